# How Cloud Run learns that an instance has started, and that it still answers.

variable "startup_probe" {
  description = "When an instance counts as started: `path` answers 200, or, with tcp = true, its port is open. No request is sent to it before; after failure_threshold × period_sec it is given up."
  type = object({
    path              = optional(string, "/health")
    tcp               = optional(bool, false)
    initial_delay_sec = optional(number, 0)
    period_sec        = optional(number, 1) # a request that waits for a cold start waits for the next probe too
    timeout_sec       = optional(number, 1)
    failure_threshold = optional(number, 120)
  })
  default  = {}
  nullable = false

  validation {
    condition     = can(regex("^/", var.startup_probe.path))
    error_message = "startup_probe.path begins with a slash."
  }

  validation {
    condition     = var.startup_probe.timeout_sec >= 1 && var.startup_probe.timeout_sec <= var.startup_probe.period_sec && var.startup_probe.period_sec <= 240 && var.startup_probe.initial_delay_sec <= 240
    error_message = "startup_probe: timeout_sec is at most period_sec, period_sec and initial_delay_sec at most 240."
  }

  validation {
    condition     = var.startup_probe.failure_threshold * var.startup_probe.period_sec <= (var.gpu == null ? 240 : 1800)
    error_message = "startup_probe: failure_threshold × period_sec is at most 240, with a GPU 1800."
  }
}

variable "liveness_probe" {
  description = "When an instance is killed and replaced, with all that it has in hand: `path` did not answer failure_threshold times in a row. It takes a thread as a request does, so it is patient. Null: never."
  type = object({
    path              = optional(string, "/health")
    period_sec        = optional(number, 60)
    timeout_sec       = optional(number, 30)
    failure_threshold = optional(number, 5)
  })
  default = {}

  validation {
    condition     = var.liveness_probe == null || can(regex("^/", var.liveness_probe.path))
    error_message = "liveness_probe.path begins with a slash; Cloud Run has no probe of a bare port for it."
  }

  validation {
    condition     = try(var.liveness_probe.timeout_sec >= 1 && var.liveness_probe.timeout_sec <= var.liveness_probe.period_sec && var.liveness_probe.period_sec <= 3600, true)
    error_message = "liveness_probe: timeout_sec is at most period_sec, and period_sec at most 3600."
  }
}
