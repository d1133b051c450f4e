mock_provider "google" {}
mock_provider "time" {}

variables {
  project_id          = "a-project"
  project_number      = "123456789"
  region              = "europe-west1"
  prefix              = "dev-"
  runbook_url         = "https://docs.example/runbook.md"
  notification_emails = { operator = "operator@turnscribe.example" }
  redis_instance_id   = "dev-hot-state"
  uptime_urls         = { ingest = "https://ingest.turnscribe.example", api = "https://api.turnscribe.example" }
  max_instances       = { ingest = 30, segmenter = 20 }
  services            = { ingest = "dev-ingest", segmenter = "dev-segmenter", transcribe = "dev-transcribe", api = "dev-api" }
  subscriptions = {
    audio-uploads           = "projects/a-project/subscriptions/dev-audio-uploads"
    dropbox                 = "dev-dropbox"
    segmenter               = "dev-segmenter"
    transcribe              = "dev-transcribe"
    delivery                = "dev-delivery"
    deliveries              = "dev-deliveries"
    ingest-dead-letters     = "dev-ingest-dead-letters"
    segmenter-dead-letters  = "dev-segmenter-dead-letters"
    transcribe-dead-letters = "dev-transcribe-dead-letters"
    delivery-dead-letters   = "dev-delivery-dead-letters"
  }
}

run "what_goes_wrong_is_told" {
  command = plan

  # Captions are measured on live speech alone.
  assert {
    condition = (
      strcontains(google_monitoring_slo.caption_latency.request_based_sli[0].distribution_cut[0].distribution_filter, "logging.googleapis.com/user/dev-end_to_end_delay") &&
      strcontains(google_monitoring_slo.caption_latency.request_based_sli[0].distribution_cut[0].distribution_filter, "metric.labels.live=\"true\"") &&
      google_monitoring_slo.caption_latency.request_based_sli[0].distribution_cut[0].range[0].max == 30000
    )
    error_message = "the objective measures something else"
  }

  # A missing sweep is missed.
  assert {
    condition = (
      google_monitoring_alert_policy.this["sweeps"].conditions[0].condition_absent[0].duration == "900s" &&
      google_monitoring_alert_policy.this["sweeps"].conditions[0].condition_absent[0].aggregations[0].group_by_fields == tolist(["metric.labels.sweep"])
    )
    error_message = "a sweep may stop and nobody is told"
  }

  # The public services are asked from outside.
  assert {
    condition = alltrue([
      for name, check in google_monitoring_uptime_check_config.this :
      check.http_check[0].path == "/health/ready" && check.http_check[0].use_ssl && check.http_check[0].validate_ssl &&
      check.monitored_resource[0].labels.host == "${name}.turnscribe.example"
    ])
    error_message = "what is asked does not tell whether the service is ready"
  }

  # Redis is watched by its whole name.
  assert {
    condition     = strcontains(google_monitoring_alert_policy.this["redis_memory"].conditions[0].condition_threshold[0].filter, "resource.labels.instance_id=\"projects/a-project/locations/europe-west1/instances/dev-hot-state\"")
    error_message = "Memorystore's metrics carry the instance's whole name"
  }

  # Without a budget there is none.
  assert {
    condition     = length(google_billing_budget.this) == 0
    error_message = "a budget needs a billing account"
  }
}

run "whatever_goes_wrong_has_an_alert" {
  command = apply

  assert {
    condition = length(setsubtract(concat(
      [for name in keys(local.topology.subscriptions) : "backlog_${name}"],
      ["dead_letters", "push_errors", "push_refused", "defects", "quarantine", "deliveries"],
      ["server_errors", "whisper", "redis_unavailable", "redis_memory", "segments_lost", "gaps", "firestore", "sweeps"],
      ["instances_ingest", "instances_segmenter", "uptime_ingest", "uptime_api"],
      ["ingest_availability_fast", "ingest_availability_slow", "caption_latency_fast", "caption_latency_slow"],
    ), keys(google_monitoring_alert_policy.this))) == 0
    error_message = "nobody would be told of something"
  }

  assert {
    condition = alltrue([
      for policy in google_monitoring_alert_policy.this :
      startswith(policy.documentation[0].links[0].url, "https://docs.example/runbook.md#") &&
      strcontains(policy.documentation[0].content, policy.documentation[0].links[0].url)
    ])
    error_message = "an alert does not say where to read what to do"
  }

  assert {
    condition = alltrue([
      for policy in google_monitoring_alert_policy.this :
      length(policy.notification_channels) == 1 && contains(["CRITICAL", "ERROR", "WARNING"], policy.severity)
    ])
    error_message = "an alert tells nobody, or not how bad it is"
  }

  assert {
    condition = alltrue(flatten([
      for policy in google_monitoring_alert_policy.this : [
        for condition in policy.conditions : [
          for threshold in condition.condition_threshold :
          threshold.denominator_filter == null || (
            jsonencode(threshold.aggregations) == jsonencode(threshold.denominator_aggregations) && length(threshold.aggregations) == 1
          )
        ]
      ]
    ]))
    error_message = "a share compares what was counted differently"
  }

  assert {
    condition     = length(distinct([for policy in google_monitoring_alert_policy.this : policy.display_name])) == length(google_monitoring_alert_policy.this)
    error_message = "two alerts have one name"
  }
}

run "each_subscription_has_the_patience_that_its_work_needs" {
  command = plan

  variables {
    thresholds = { backlog_age_sec = { delivery = 60 } }
  }

  assert {
    condition = (
      google_monitoring_alert_policy.this["backlog_segmenter"].conditions[0].condition_threshold[0].threshold_value == 120 &&
      google_monitoring_alert_policy.this["backlog_audio-uploads"].conditions[0].condition_threshold[0].threshold_value == 1800 &&
      google_monitoring_alert_policy.this["backlog_segmenter-dead-letters"].conditions[0].condition_threshold[0].threshold_value == 3600 &&
      google_monitoring_alert_policy.this["backlog_delivery"].conditions[0].condition_threshold[0].threshold_value == 60
    )
    error_message = "a backlog is told of at a wrong age"
  }

  assert {
    condition     = strcontains(google_monitoring_alert_policy.this["backlog_audio-uploads"].conditions[0].condition_threshold[0].filter, "resource.labels.subscription_id=\"dev-audio-uploads\"")
    error_message = "an id must become the name that the metric has"
  }

  assert {
    condition     = toset(local.dead_letter_subscriptions) == toset(["ingest-dead-letters", "segmenter-dead-letters", "transcribe-dead-letters", "delivery-dead-letters"])
    error_message = "the subscriptions of dead letters are others"
  }
}

run "a_burn_rate_alert_comes_when_both_windows_burn" {
  command = apply

  assert {
    condition = alltrue([
      for name in ["ingest_availability_fast", "ingest_availability_slow", "caption_latency_fast", "caption_latency_slow"] :
      google_monitoring_alert_policy.this[name].combiner == "AND" &&
      length(google_monitoring_alert_policy.this[name].conditions) == 2 &&
      alltrue([
        for condition in google_monitoring_alert_policy.this[name].conditions :
        startswith(condition.condition_threshold[0].filter, "select_slo_burn_rate(\"") && length(condition.condition_threshold[0].aggregations) == 0
      ])
    ])
    error_message = "a short spike, or one that is over, would wake somebody"
  }

  assert {
    condition = alltrue([
      for name, policy in google_monitoring_alert_policy.this : policy.combiner == "OR" if !contains(keys(local.burn_policies), name)
    ])
    error_message = "one of several faults must be enough"
  }
}

run "without_redis_uptime_and_limits_there_is_less" {
  command = plan

  variables {
    redis_instance_id = null
    uptime_urls       = {}
    max_instances     = {}
  }

  assert {
    condition = length([
      for name in keys(google_monitoring_alert_policy.this) : name
      if name == "redis_memory" || startswith(name, "uptime_") || startswith(name, "instances_")
    ]) == 0
    error_message = "an alert watches what is not there"
  }
}

run "alerts_can_be_off" {
  command = plan

  variables {
    alerts = false
  }

  assert {
    condition     = length(google_monitoring_alert_policy.this) == 0 && length(google_logging_metric.this) > 0
    error_message = "off means alerts and nothing else"
  }
}

run "a_budget_is_told_of_and_is_optional" {
  command = apply

  variables {
    budget = { billing_account = "000000-000000-000000", amount = 500, currency = "EUR" }
  }

  assert {
    condition = (
      google_billing_budget.this[0].budget_filter[0].projects == toset(["projects/123456789"]) &&
      google_billing_budget.this[0].amount[0].specified_amount[0].units == "500" &&
      length(google_billing_budget.this[0].threshold_rules) == 4 &&
      length(google_billing_budget.this[0].all_updates_rule[0].monitoring_notification_channels) == 1
    )
    error_message = "the budget is another one"
  }
}

run "a_goal_that_cannot_be_measured_is_refused" {
  command = plan

  variables {
    objectives = { ingest_availability = 1 }
  }

  expect_failures = [var.objectives]
}

run "a_bound_between_two_buckets_is_refused" {
  command = plan

  variables {
    objectives = { caption_sec = 12 }
  }

  expect_failures = [var.objectives]
}
