# What is easily left out, and goes wrong weeks later.

mock_provider "google" {}

variables {
  project_id                 = "a-project"
  project_number             = "123456789"
  region                     = "europe-west1"
  prefix                     = "dev-"
  push_service_account_email = "push@a-project.iam.gserviceaccount.com"
  service_urls = {
    ingest     = "https://ingest.example"
    segmenter  = "https://segmenter.example"
    transcribe = "https://transcribe.example"
  }
}

run "what_is_refused_waits_before_it_comes_again" {
  command = plan

  assert {
    condition = alltrue([
      for name, wanted in local.topology.subscriptions :
      google_pubsub_subscription.this[name].retry_policy[0].minimum_backoff == "${wanted.min_backoff_sec}s" &&
      google_pubsub_subscription.this[name].retry_policy[0].maximum_backoff == "${wanted.max_backoff_sec}s"
    ])
    error_message = "a service that is down would be called again at once, and again"
  }
}

run "every_dead_letter_topic_has_a_subscription_of_its_own_that_dies_nowhere" {
  command = plan

  assert {
    condition = alltrue([
      for topic in local.dead_letter_topics :
      length([for each in values(local.topology.subscriptions) : each if each.topic == topic]) == 1
    ])
    error_message = "dead letters would be gone as soon as they are published"
  }

  assert {
    condition = alltrue([
      for name, each in local.topology.subscriptions :
      length(google_pubsub_subscription.this[name].dead_letter_policy) == (contains(local.dead_letter_topics, each.topic) ? 0 : 1)
    ])
    error_message = "a subscription has no dead letters, or a dead letter has some of its own"
  }

  assert {
    condition = alltrue([
      for name, each in local.topology.subscriptions :
      google_pubsub_subscription.this[name].message_retention_duration == (contains(local.dead_letter_topics, each.topic) ? "1209600s" : "604800s")
    ])
    error_message = "a message is kept for another time than said"
  }
}

run "the_identity_that_moves_dead_letters_is_pub_subs_own" {
  command = plan

  assert {
    condition = alltrue([
      for name in keys(local.dead_lettered) :
      google_pubsub_topic_iam_member.pubsub_publishes_dead_letters[name].member == "serviceAccount:service-123456789@gcp-sa-pubsub.iam.gserviceaccount.com" &&
      google_pubsub_subscription_iam_member.pubsub_acknowledges_dead_letters[name].member == "serviceAccount:service-123456789@gcp-sa-pubsub.iam.gserviceaccount.com"
    ])
    error_message = "somebody else may move dead letters, and Pub/Sub can't"
  }
}

run "a_sweep_has_as_long_as_a_push_and_at_least_a_minute" {
  command = plan

  assert {
    condition     = output.push_deadlines_sec == { ingest = 600, segmenter = 60, transcribe = 60 }
    error_message = "a service may work longer than Pub/Sub waits"
  }

  assert {
    condition = alltrue([
      for name, each in local.topology.schedules :
      google_cloud_scheduler_job.this[name].attempt_deadline == "${local.push_deadlines_sec[each.service]}s" &&
      local.push_deadlines_sec[each.service] >= 60
    ])
    error_message = "the scheduler would give a sweep up while it is at work"
  }

  assert {
    condition     = alltrue([for job in google_cloud_scheduler_job.this : job.retry_config[0].retry_count == 0 && !job.paused])
    error_message = "sweeps pile up, or rest"
  }
}

run "pushes_are_signed_by_the_push_account_alone" {
  command = plan

  assert {
    condition = alltrue(concat(
      [for each in google_pubsub_subscription.this : each.push_config[0].oidc_token[0].service_account_email == "push@a-project.iam.gserviceaccount.com"],
      [for each in google_cloud_scheduler_job.this : each.http_target[0].oidc_token[0].service_account_email == "push@a-project.iam.gserviceaccount.com"],
    ))
    error_message = "a push is signed by an account that the services refuse"
  }
}

run "publishers_get_the_topic_that_they_name" {
  command = plan

  variables {
    publishers = {
      "recorders" = { topic = "audio-uploads", member = "group:recorders@call-centre.example" }
    }
  }

  assert {
    condition = (
      google_pubsub_topic_iam_member.publishers["recorders"].role == "roles/pubsub.publisher" &&
      google_pubsub_topic_iam_member.publishers["recorders"].member == "group:recorders@call-centre.example"
    )
    error_message = "recorders may not publish, or may do more"
  }
}

run "schedules_can_rest" {
  command = plan

  variables {
    schedules_paused = true
  }

  assert {
    condition     = alltrue([for job in google_cloud_scheduler_job.this : job.paused])
    error_message = "a schedule goes on"
  }
}

run "a_publisher_that_is_everybody_is_refused" {
  command = plan

  variables {
    publishers = { "anybody" = { topic = "audio-uploads", member = "allUsers" } }
  }

  expect_failures = [var.publishers]
}

run "messages_that_outlive_the_memory_of_deletions_are_refused" {
  command = plan

  variables {
    message_retention     = "2592000s"
    dead_letter_retention = "600s"
  }

  expect_failures = [var.dead_letter_retention]
}

run "retention_in_days_is_refused" {
  command = plan

  variables {
    message_retention = "7d"
  }

  expect_failures = [var.message_retention]
}
