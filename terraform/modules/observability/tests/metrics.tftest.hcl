mock_provider "google" {}
mock_provider "time" {}

variables {
  project_id     = "a-project"
  project_number = "123456789"
  region         = "europe-west1"
  prefix         = "dev-"
  runbook_url    = "https://docs.example/runbook.md"
  services       = { ingest = "dev-ingest", segmenter = "dev-segmenter", transcribe = "dev-transcribe", api = "dev-api" }
  subscriptions = {
    audio-uploads           = "dev-audio-uploads"
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

run "metrics_are_what_the_file_says" {
  command = plan

  # Every metric of the file is made.
  assert {
    condition     = toset(keys(google_logging_metric.this)) == toset(keys(local.declared.metrics))
    error_message = "a declared metric is not made"
  }

  assert {
    condition     = alltrue([for name, metric in google_logging_metric.this : metric.name == "dev-${name}"])
    error_message = "two environments in one project would share a metric"
  }

  assert {
    condition = alltrue([
      for name, metric in google_logging_metric.this :
      strcontains(metric.filter, "jsonPayload.message=\"${local.declared.metrics[name].event}\"") &&
      strcontains(metric.filter, "resource.type=\"cloud_run_revision\"") &&
      strcontains(metric.filter, "\"dev-${local.declared.metrics[name].services[0]}\"")
    ])
    error_message = "a metric counts other lines than it says"
  }

  # Lines are counted where their fields say so.
  assert {
    condition     = google_logging_metric.this["redis_unavailable"].filter == "resource.type=\"cloud_run_revision\" AND resource.labels.location=\"europe-west1\" AND resource.labels.service_name=(\"dev-segmenter\") AND jsonPayload.message=\"push_retryable\" AND jsonPayload.reason=\"redis_unavailable\""
    error_message = "the filter of a metric with a condition is wrong"
  }

  assert {
    condition     = endswith(google_logging_metric.this["audio_heard"].filter, "AND jsonPayload.final=true")
    error_message = "a condition on true or false must not be quoted"
  }

  # Distributions have a value, a unit and buckets, and counters none.
  assert {
    condition = alltrue([
      for name, metric in google_logging_metric.this :
      can(local.declared.metrics[name].value)
      ? (
        metric.metric_descriptor[0].value_type == "DISTRIBUTION" &&
        metric.metric_descriptor[0].unit == local.declared.metrics[name].value.unit &&
        metric.value_extractor == "EXTRACT(jsonPayload.${local.declared.metrics[name].value.field})" &&
        length(metric.bucket_options[0].explicit_buckets[0].bounds) == length(local.declared.buckets[local.declared.metrics[name].value.buckets])
      )
      : metric.metric_descriptor[0].value_type == "INT64" && metric.value_extractor == null && length(metric.bucket_options) == 0
    ])
    error_message = "a metric does not measure what the file says"
  }

  assert {
    condition     = alltrue([for metric in google_logging_metric.this : metric.metric_descriptor[0].metric_kind == "DELTA"])
    error_message = "log-based metrics are deltas"
  }

  # Labels are read from fields and none is an id.
  assert {
    condition = alltrue([
      for metric in google_logging_metric.this :
      join(" ", sort([for label in metric.metric_descriptor[0].labels : label.key])) == join(" ", keys(metric.label_extractors))
    ])
    error_message = "a label has nothing to be read from"
  }

  assert {
    condition     = length(setintersection(flatten([for metric in google_logging_metric.this : keys(metric.label_extractors)]), ["tenant", "meeting_id", "connection_id", "segment_id", "event_id", "message_id", "receiver", "route"])) == 0
    error_message = "a label with ids makes a time series for each of them"
  }

  assert {
    condition     = google_logging_metric.this["request_latency"].label_extractors["status"] == "REGEXP_EXTRACT(jsonPayload.status, \"^([1-5])\")"
    error_message = "requests must be split by class of status and not by status"
  }
}

run "an_empty_prefix_works" {
  command = plan

  variables {
    prefix = ""
  }

  assert {
    condition     = google_logging_metric.this["gaps"].name == "gaps" && local.promql.gaps == "logging_googleapis_com:user_gaps"
    error_message = "names without a prefix are wrong"
  }
}

run "a_service_that_is_missing_is_refused" {
  command = plan

  variables {
    services = { ingest = "dev-ingest", segmenter = "dev-segmenter", transcribe = "dev-transcribe" }
  }

  expect_failures = [var.services]
}
