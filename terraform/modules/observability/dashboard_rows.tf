# What the dashboard shows, row by row. A set of data is a filter with its aggregation, or a PromQL query where sums of distributions
# are wanted.

locals {
  # How sets of data are aggregated, unless they say otherwise.
  per_minute = { filter = "", promql = "", aligner = "ALIGN_DELTA", reducer = "REDUCE_SUM", by = [], legend = "" }
  gauge      = merge(local.per_minute, { aligner = "ALIGN_MEAN" })
  p50        = merge(local.per_minute, { reducer = "REDUCE_PERCENTILE_50", legend = "half" })
  p95        = merge(local.per_minute, { reducer = "REDUCE_PERCENTILE_95", legend = "95%" })

  queue  = local.any_subscription
  named  = ["resource.labels.subscription_id"]
  each   = ["resource.labels.service_name"]
  reason = ["metric.labels.reason"]
  any_run = "resource.type=\"cloud_run_revision\" AND resource.labels.location=\"${var.region}\" AND resource.labels.service_name=one_of(${join(", ", [
    for name in values(var.services) : "\"${name}\""
  ])})"

  # What the numbers of a distribution add up to in a second: ms of audio, words, items.
  sums = { for name in keys(local.declared.metrics) : name => "sum(rate(${local.promql[name]}_sum{monitored_resource=\"cloud_run_revision\"}[5m]))" }

  rows = [
    {
      title = "Intake"
      says  = "What comes in, and how it is answered."
      charts = concat([
        { title = "Requests of ingest and api, by class of answer", unit = "a minute", sets = [for name in ["ingest", "api"] : merge(local.per_minute, {
          filter = "metric.type=\"run.googleapis.com/request_count\" AND ${local.run_filters[name]}", by = ["resource.labels.service_name", "metric.labels.response_code_class"]
        })] },
        { title = "Time that requests take, by group of routes (95%)", unit = "ms", sets = [merge(local.p95, { filter = local.our_filters.request_latency, by = ["metric.labels.area"], legend = "" })] },
        { title = "Audio accepted", unit = "s of audio a second", sets = [merge(local.per_minute, { promql = "${local.sums.audio_heard} / 1000" })] },
        { title = "Put aside: uploads, chunks, messages", unit = "a minute", sets = [
          for name in ["faults_accepted", "chunks_quarantined", "push_quarantined"] : merge(local.per_minute, { filter = local.our_filters[name], by = local.reason, legend = name })
        ] },
        { title = "Answered 503 or 500", unit = "a minute", sets = [
          merge(local.per_minute, { filter = local.our_filters.dependency_unavailable, by = local.reason }),
          merge(local.per_minute, { filter = local.our_filters.unhandled_errors, by = ["metric.labels.error_type"] }),
        ] },
        ], [for hosts in(length(var.uptime_urls) > 0 ? [[for url in values(var.uptime_urls) : "\"${trimprefix(url, "https://")}\""]] : []) : {
          title = "Seen from outside", unit = "share of checks that found it ready", sets = [merge(local.per_minute, {
            filter  = "metric.type=\"monitoring.googleapis.com/uptime_check/check_passed\" AND resource.type=\"uptime_url\" AND resource.labels.host=one_of(${join(", ", hosts)})"
            aligner = "ALIGN_FRACTION_TRUE", reducer = "REDUCE_MEAN", by = ["resource.labels.host"]
          })]
      }])
    },
    {
      title = "Segmenting"
      says  = "From chunks to segments."
      charts = [
        { title = "Segments announced: final and live", unit = "a minute", sets = [merge(local.per_minute, { filter = local.our_filters.segments_announced, by = ["metric.labels.final"], legend = "final: $${metric.labels.final}" })] },
        { title = "From a segment's last audio to its announcement (95%)", unit = "ms", sets = [merge(local.p95, { filter = local.our_filters.segment_delay, by = ["metric.labels.final"], legend = "final: $${metric.labels.final}" })] },
        { title = "Gaps, and what no event had told of", unit = "a minute", sets = [
          merge(local.per_minute, { filter = local.our_filters.gaps, legend = "gaps" }),
          merge(local.per_minute, { promql = "60 * ${local.sums.unannounced_found}", legend = "unannounced" }),
        ] },
        { title = "Streams closed, and hot state made anew", unit = "a minute", sets = [
          merge(local.per_minute, { filter = local.our_filters.streams_closed, legend = "closed" }),
          merge(local.per_minute, { filter = local.our_filters.hot_state_rebuilt, legend = "made anew" }),
        ] },
        { title = "Sweeps (95%)", unit = "ms", sets = [merge(local.p95, { filter = local.our_filters.sweeps, by = ["resource.labels.service_name", "metric.labels.sweep"], legend = "" })] },
        { title = "What sweeps could not do", unit = "a minute", sets = [
          for name in ["sweep_failures", "work_failures"] : merge(local.per_minute, { filter = local.our_filters[name], by = local.reason })
        ] },
      ]
    },
    {
      title = "Whisper"
      says  = "Recognition: how fast, how often in vain."
      charts = [
        { title = "Time to an answer", unit = "ms", sets = [for quantile in [local.p50, local.p95] : merge(quantile, { filter = local.our_filters.whisper_latency })] },
        { title = "Attempts made again", unit = "a minute", sets = [merge(local.per_minute, { filter = local.our_filters.whisper_retries, by = local.reason })] },
        { title = "Calls without an answer", unit = "a minute", sets = [
          merge(local.per_minute, { filter = local.our_filters.whisper_failures, by = local.reason }),
          merge(local.per_minute, { filter = local.our_filters.whisper_circuit_openings, legend = "circuit opened" }),
        ] },
        { title = "Audio recognised", unit = "s of audio a second", sets = [merge(local.per_minute, { promql = "${local.sums.whisper_audio} / 1000" })] },
        { title = "Live captions given up", unit = "a minute", sets = [merge(local.per_minute, { filter = local.our_filters.provisional_given_up, by = local.reason })] },
        { title = "Words that nobody believed", unit = "a minute", sets = [merge(local.per_minute, { promql = "60 * ${local.sums.words_dropped}" })] },
      ]
    },
    {
      title = "Queues"
      says  = "What waits between the services, and what was given up."
      charts = [
        { title = "Age of the oldest message", unit = "s", sets = [merge(local.gauge, { filter = "metric.type=\"pubsub.googleapis.com/subscription/oldest_unacked_message_age\" AND ${local.queue}", aligner = "ALIGN_MAX", reducer = "REDUCE_MAX", by = local.named })] },
        { title = "Messages that wait", unit = "", sets = [merge(local.gauge, { filter = "metric.type=\"pubsub.googleapis.com/subscription/num_undelivered_messages\" AND ${local.queue}", by = local.named })] },
        { title = "Pushes by class of answer", unit = "a minute", sets = [merge(local.per_minute, { filter = "metric.type=\"pubsub.googleapis.com/subscription/push_request_count\" AND ${local.queue}", by = ["metric.labels.response_class"] })] },
        { title = "Pushes that come again, by reason", unit = "a minute", sets = [
          for name in ["push_retryable", "push_backpressure"] : merge(local.per_minute, { filter = local.our_filters[name], by = ["metric.labels.subscription", "metric.labels.reason"] })
        ] },
        { title = "Dead letters", unit = "a minute", sets = [
          merge(local.per_minute, { filter = local.our_filters.dead_letters, by = local.reason, legend = "kept" }),
          merge(local.per_minute, { filter = local.our_filters.dead_letters_healed, legend = "healed" }),
          merge(local.per_minute, { filter = "metric.type=\"pubsub.googleapis.com/subscription/dead_letter_message_count\" AND ${local.queue}", by = local.named, legend = "forwarded" }),
        ] },
        { title = "Time that a push takes (95%)", unit = "µs", sets = [merge(local.p95, { filter = "metric.type=\"pubsub.googleapis.com/subscription/push_request_latencies\" AND ${local.queue}", by = local.named, legend = "" })] },
      ]
    },
    {
      title = "From speech to text, and on to receivers"
      says  = "What people wait for."
      charts = [
        { title = "From audio to transcript: final, live speech", unit = "ms", sets = [
          for quantile in [local.p50, local.p95] : merge(quantile, { filter = "${local.our_filters.end_to_end_delay} AND metric.labels.live=\"true\" AND metric.labels.final=\"true\"" })
        ] },
        { title = "From announcement to transcript: live captions", unit = "ms", sets = [
          for quantile in [local.p50, local.p95] : merge(quantile, { filter = "${local.our_filters.transcript_delay} AND metric.labels.final=\"false\"" })
        ] },
        { title = "From announcement to transcript: recordings", unit = "ms", sets = [
          for quantile in [local.p50, local.p95] : merge(quantile, { filter = "${local.our_filters.transcript_delay} AND metric.labels.live=\"false\"" })
        ] },
        { title = "From a change to its receiver", unit = "ms", sets = [for quantile in [local.p50, local.p95] : merge(quantile, { filter = local.our_filters.delivery_delay })] },
        { title = "Deliveries by outcome", unit = "a minute", sets = [merge(local.per_minute, { filter = local.our_filters.delivery_attempts, by = ["metric.labels.outcome"] })] },
        { title = "Segments announced again, and lost", unit = "a minute", sets = [
          merge(local.per_minute, { filter = local.our_filters.segments_republished, legend = "announced again" }),
          merge(local.per_minute, { filter = local.our_filters.segments_lost, legend = "lost" }),
        ] },
      ]
    },
    {
      title = "What it runs on"
      says  = "Instances, Redis, Firestore."
      charts = concat(
        [
          { title = "Instances", unit = "", sets = [merge(local.gauge, { filter = "metric.type=\"run.googleapis.com/container/instance_count\" AND ${local.any_run}", aligner = "ALIGN_MAX", by = ["resource.labels.service_name", "metric.labels.state"] })] },
          { title = "CPU of instances (95%)", unit = "share", sets = [merge(local.p95, { filter = "metric.type=\"run.googleapis.com/container/cpu/utilizations\" AND ${local.any_run}", by = local.each, legend = "" })] },
          { title = "Memory of instances (95%)", unit = "share", sets = [merge(local.p95, { filter = "metric.type=\"run.googleapis.com/container/memory/utilizations\" AND ${local.any_run}", by = local.each, legend = "" })] },
          { title = "Firestore: answers", unit = "a minute", sets = [merge(local.per_minute, { filter = "metric.type=\"firestore.googleapis.com/api/request_count\" AND resource.type=\"firestore.googleapis.com/Database\" AND resource.labels.database_id=\"${var.firestore_database}\"", by = ["metric.labels.response_code"] })] },
          { title = "Redis cannot be reached", unit = "pushes a minute", sets = [merge(local.per_minute, { filter = local.our_filters.redis_unavailable })] },
        ],
        [for filter in(var.redis_instance_id == null ? [] : [local.redis_filter]) : {
          title = "Memory of Redis", unit = "share", sets = [merge(local.gauge, { filter = "metric.type=\"redis.googleapis.com/stats/memory/usage_ratio\" AND ${filter}", reducer = "REDUCE_MAX" })]
        }],
      )
    },
    {
      title = "What it costs"
      says  = "What bills grow with. The prices stand in docs/cost.md."
      charts = [
        { title = "Instance time that is paid for", unit = "s a minute", sets = [merge(local.per_minute, { filter = "metric.type=\"run.googleapis.com/container/billable_instance_time\" AND ${local.any_run}", by = local.each })] },
        { title = "Requests", unit = "a minute", sets = [merge(local.per_minute, { filter = "metric.type=\"run.googleapis.com/request_count\" AND ${local.any_run}", by = local.each })] },
        { title = "Firestore: documents written and read", unit = "a minute", sets = [
          for what in ["write", "read"] : merge(local.per_minute, { filter = "metric.type=\"firestore.googleapis.com/document/${what}_ops_count\" AND resource.type=\"firestore.googleapis.com/Database\" AND resource.labels.database_id=\"${var.firestore_database}\"", legend = what })
        ] },
      ]
    },
  ]
}
