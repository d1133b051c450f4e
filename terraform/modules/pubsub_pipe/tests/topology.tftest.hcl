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

run "everything_in_the_topology_is_wired" {
  command = plan

  assert {
    condition     = toset(keys(google_pubsub_topic.this)) == toset(local.topology.topics)
    error_message = "a topic of the topology is missing"
  }

  assert {
    condition     = toset(keys(google_pubsub_subscription.this)) == toset(keys(local.topology.subscriptions))
    error_message = "a subscription of the topology is missing"
  }

  assert {
    condition     = toset(keys(google_cloud_scheduler_job.this)) == toset(keys(local.topology.schedules))
    error_message = "a schedule of the topology is missing"
  }

  assert {
    condition = alltrue([
      for name, wanted in local.topology.subscriptions :
      google_pubsub_subscription.this[name].ack_deadline_seconds == wanted.ack_deadline_sec &&
      google_pubsub_subscription.this[name].push_config[0].push_endpoint == "${var.service_urls[wanted.service]}${wanted.path}"
    ])
    error_message = "a subscription does not push as the topology says"
  }
}

run "uploads_by_message_and_dropped_files_reach_ingest" {
  command = plan

  assert {
    condition = alltrue([
      for name in ["audio-uploads", "dropbox"] :
      google_pubsub_subscription.this[name].push_config[0].push_endpoint == "https://ingest.example/push/${name}" &&
      google_pubsub_subscription.this[name].ack_deadline_seconds == 600 &&
      local.dead_lettered[name].dead_letter_topic == "ingest-dead-letters"
    ])
    error_message = "ingest does not get what upstream systems send"
  }

  assert {
    condition     = google_pubsub_subscription.this["ingest-dead-letters"].push_config[0].push_endpoint == "https://ingest.example/push/dead-letters"
    error_message = "nobody would see ingest's dead letters"
  }

  assert {
    condition     = length(google_storage_notification.dropbox) == 0 && length(google_pubsub_topic_iam_member.storage_tells_of_files) == 0
    error_message = "without a bucket there is nothing to tell of"
  }
}

run "a_bucket_tells_of_files_in_its_drop_box_alone" {
  command = plan

  variables {
    bucket = "audio"
  }

  assert {
    condition = (
      google_storage_notification.dropbox["audio"].bucket == "audio" &&
      google_storage_notification.dropbox["audio"].object_name_prefix == "dropbox/" &&
      toset(google_storage_notification.dropbox["audio"].event_types) == toset(["OBJECT_FINALIZE"])
    )
    error_message = "the bucket tells of something else than new files in the drop box"
  }

  assert {
    condition = (
      google_pubsub_topic_iam_member.storage_tells_of_files["audio"].role == "roles/pubsub.publisher" &&
      google_pubsub_topic_iam_member.storage_tells_of_files["audio"].member == "serviceAccount:service-123456789@gs-project-accounts.iam.gserviceaccount.com"
    )
    error_message = "Cloud Storage could not tell of new files"
  }
}

run "a_drop_box_elsewhere_is_where_it_is_said" {
  command = plan

  variables {
    bucket       = "audio"
    dropbox_path = "in/calls"
  }

  assert {
    condition     = google_storage_notification.dropbox["audio"].object_name_prefix == "in/calls/"
    error_message = "the bucket tells of files somewhere else"
  }
}

run "pushes_and_sweeps_are_signed_for_their_service" {
  command = plan

  assert {
    condition = alltrue([
      for name, wanted in local.topology.subscriptions :
      google_pubsub_subscription.this[name].push_config[0].oidc_token[0].audience == var.service_urls[wanted.service]
    ])
    error_message = "a push is signed for another audience than its service"
  }

  assert {
    condition = alltrue([
      for name, wanted in local.topology.schedules :
      google_cloud_scheduler_job.this[name].http_target[0].oidc_token[0].audience == var.service_urls[wanted.service]
    ])
    error_message = "a sweep is signed for another audience than its service"
  }
}

run "nothing_expires_and_dead_letters_can_be_moved" {
  command = plan

  assert {
    condition = alltrue([
      for subscription in google_pubsub_subscription.this : subscription.expiration_policy[0].ttl == ""
    ])
    error_message = "a subscription would be deleted after a month without traffic"
  }

  assert {
    condition = alltrue([
      for name in keys(local.dead_lettered) :
      google_pubsub_subscription.this[name].dead_letter_policy[0].max_delivery_attempts == local.dead_lettered[name].max_delivery_attempts &&
      google_pubsub_topic_iam_member.pubsub_publishes_dead_letters[name].role == "roles/pubsub.publisher" &&
      google_pubsub_subscription_iam_member.pubsub_acknowledges_dead_letters[name].role == "roles/pubsub.subscriber"
    ])
    error_message = "Pub/Sub could not move a dead letter"
  }
}

run "a_url_with_a_path_is_refused" {
  command = plan

  variables {
    service_urls = {
      ingest     = "https://ingest.example"
      segmenter  = "https://segmenter.example/"
      transcribe = "https://transcribe.example"
    }
  }

  expect_failures = [var.service_urls]
}
