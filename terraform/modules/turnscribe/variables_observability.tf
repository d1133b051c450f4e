# What is watched, and who is told.

variable "alerts" {
  description = "Whether there are alert policies."
  type        = bool
  default     = true
  nullable    = false
}

variable "notification_emails" {
  description = "Whom alerts go to, by any name of yours."
  type        = map(string)
  default     = {}
  nullable    = false
}

variable "notification_channels" {
  description = "Notification channels of other kinds that exist already, by any name of yours: projects/a-project/notificationChannels/123."
  type        = map(string)
  default     = {}
  nullable    = false
}

variable "thresholds" {
  description = "When alerts come, where modules/observability has it wrong; its README says what each number means."
  type = object({
    backlog_age_sec    = optional(map(number))
    push_error_ratio   = optional(number)
    server_error_ratio = optional(number)
    redis_memory_ratio = optional(number)
    whisper_failures   = optional(number)
    redis_unavailable  = optional(number)
    quarantined        = optional(number)
    firestore_errors   = optional(number)
    delivery_failures  = optional(number)
    gaps               = optional(number)
  })
  default  = {}
  nullable = false
}

variable "objectives" {
  description = "What users are promised over 28 days, as in modules/observability: shares of requests answered and of captions in time, and how soon captions come, in seconds."
  type = object({
    ingest_availability = optional(number)
    caption_sec         = optional(number)
    caption_latency     = optional(number)
  })
  default  = {}
  nullable = false
}

variable "uptime_checks" {
  description = "Whether ingest and api are asked from outside, every minute, whether they are ready. It costs, and neither of them scales to zero any more."
  type        = bool
  default     = true
  nullable    = false
}

variable "runbook_url" {
  description = "Where docs/runbook.md can be read; alerts point there."
  type        = string
  nullable    = false

  validation {
    condition     = can(regex("^https://.+", var.runbook_url))
    error_message = "runbook_url is an https URL."
  }
}

variable "budget" {
  description = "Tell when so much is spent in a month: a whole number, in the billing account's own currency. Null: nobody is told."
  type        = object({ billing_account = string, amount = number, currency = optional(string) })
  default     = null
}
