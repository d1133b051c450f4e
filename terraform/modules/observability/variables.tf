variable "project_id" {
  description = "Project whose services are watched, and in which dashboard and alerts are made."
  type        = string
  nullable    = false
}

variable "project_number" {
  description = "Number of that project: the budget counts what it spends."
  type        = string
  nullable    = false

  validation {
    condition     = can(regex("^[0-9]+$", var.project_number))
    error_message = "project_number is the number of the project, not its id."
  }
}

variable "region" {
  description = "Region of the services and of Redis."
  type        = string
  nullable    = false
}

variable "prefix" {
  description = "What the names of metrics, alerts and objectives begin with, as of everything else in the environment."
  type        = string
  default     = ""
  nullable    = false

  validation {
    condition     = can(regex("^([a-z][a-z0-9-]*-)?$", var.prefix))
    error_message = "prefix is empty, or begins with a letter, goes on with small letters, digits and -, and ends in -."
  }
}

variable "labels" {
  description = "Labels of everything that can have labels."
  type        = map(string)
  default     = {}
  nullable    = false
}

variable "services" {
  description = "Name of each Cloud Run service: ingest, segmenter, transcribe, api, and whisper where there is one."
  type        = map(string)
  nullable    = false

  validation {
    condition = (
      length(setsubtract(["ingest", "segmenter", "transcribe", "api"], keys(var.services))) == 0 &&
      length(setsubtract(keys(var.services), ["ingest", "segmenter", "transcribe", "api", "whisper"])) == 0
    )
    error_message = "services are ingest, segmenter, transcribe and api, and perhaps whisper."
  }
}

variable "max_instances" {
  description = "Most instances of each service, by the same names; an alert comes where one stays there. Services that are missing have no such alert."
  type        = map(number)
  default     = {}
  nullable    = false
}

variable "subscriptions" {
  description = "Name or id of each push subscription, by its name in the topology."
  type        = map(string)
  nullable    = false
}

variable "redis_instance_id" {
  description = "Name or id of the Memorystore instance; null: there is none to watch."
  type        = string
  default     = null
}

variable "firestore_database" {
  description = "Name of the Firestore database."
  type        = string
  default     = "(default)"
  nullable    = false
}

variable "uptime_urls" {
  description = "Base URL of each public service, whose /health/ready is asked from outside."
  type        = map(string)
  default     = {}
  nullable    = false

  validation {
    condition     = alltrue([for url in values(var.uptime_urls) : can(regex("^https://[^/]+$", url))])
    error_message = "uptime_urls are https:// URLs without a path or a slash at the end."
  }
}

variable "uptime_period_sec" {
  description = "How often each of them is asked, from every region. Each time costs a request, and wakes a service that has scaled to zero."
  type        = number
  default     = 60
  nullable    = false

  validation {
    condition     = contains([60, 300, 600, 900], var.uptime_period_sec)
    error_message = "uptime_period_sec is 60, 300, 600 or 900."
  }
}

variable "alerts" {
  description = "Whether there are alert policies. Metrics, dashboard, uptime checks and objectives are made in any case."
  type        = bool
  default     = true
  nullable    = false
}

variable "notification_emails" {
  description = "Who is told of alerts and of the budget: e-mail addresses by a name of your own."
  type        = map(string)
  default     = {}
  nullable    = false

  validation {
    condition     = alltrue([for email in values(var.notification_emails) : can(regex("^[^@ ]+@[^@ ]+$", email))])
    error_message = "notification_emails are e-mail addresses."
  }
}

variable "notification_channels" {
  description = "Notification channels of other kinds that exist already: ids such as projects/a-project/notificationChannels/123, by a name of your own."
  type        = map(string)
  default     = {}
  nullable    = false
}

variable "runbook_url" {
  description = "Where docs/runbook.md can be read; alerts link to its headings."
  type        = string
  nullable    = false

  validation {
    condition     = can(regex("^https://[^#]+$", var.runbook_url))
    error_message = "runbook_url is an https:// URL without a #."
  }
}

variable "thresholds" {
  description = <<-EOT
    When alerts come. backlog_age_sec: age of a subscription's oldest message, by its name in the topology, where the default is wrong.
    push_error_ratio: share of a subscription's pushes in 10 minutes that were not acknowledged. server_error_ratio: share of a public
    service's requests in 5 minutes that ended in 5xx. redis_memory_ratio: share of Redis' memory. Numbers of events in
    10 minutes: whisper_failures, redis_unavailable, quarantined, firestore_errors, delivery_failures, gaps.
  EOT
  type = object({
    backlog_age_sec    = optional(map(number), {})
    push_error_ratio   = optional(number, 0.5)
    server_error_ratio = optional(number, 0.05)
    redis_memory_ratio = optional(number, 0.8)
    whisper_failures   = optional(number, 20)
    redis_unavailable  = optional(number, 20)
    quarantined        = optional(number, 20)
    firestore_errors   = optional(number, 20)
    delivery_failures  = optional(number, 100)
    gaps               = optional(number, 20)
  })
  default  = {}
  nullable = false

  validation {
    condition = alltrue([
      for ratio in [var.thresholds.push_error_ratio, var.thresholds.server_error_ratio, var.thresholds.redis_memory_ratio] :
      ratio > 0 && ratio < 1
    ])
    error_message = "ratios are above 0 and below 1."
  }
}

variable "objectives" {
  description = <<-EOT
    What users are promised over 28 days. ingest_availability: share of requests that are not answered 5xx. caption_sec: so long
    after ingest accepted a segment's last audio its transcript is stored, for the share caption_latency of final segments of live speech.
  EOT
  type = object({
    ingest_availability = optional(number, 0.999)
    caption_sec         = optional(number, 30)
    caption_latency     = optional(number, 0.95)
  })
  default  = {}
  nullable = false

  validation {
    condition = alltrue([
      for goal in [var.objectives.ingest_availability, var.objectives.caption_latency] : goal > 0 && goal <= 0.999
    ])
    error_message = "goals are above 0 and at most 0.999: more cannot be told apart in 28 days."
  }

  # A distribution is exact at the bounds of its buckets alone.
  validation {
    condition     = contains(local.declared.buckets.delay_ms, var.objectives.caption_sec * 1000)
    error_message = "caption_sec is one of the bounds of delay_ms in common/log_metrics.json, in seconds: 1, 2, 3, 5, 7.5, 10, 15, 20, 30, 60."
  }
}

variable "budget" {
  description = "Budget of the project for a calendar month: whole units of the currency, which is the billing account's own. null: none."
  type = object({
    billing_account = string
    amount          = number
    currency        = optional(string)
  })
  default = null

  validation {
    condition     = var.budget == null || try(var.budget.amount >= 1 && floor(var.budget.amount) == var.budget.amount, false)
    error_message = "budget.amount is a whole number of at least 1."
  }
}
