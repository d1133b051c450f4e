variable "project_id" {
  description = "Project of the load balancer and of the services behind it."
  type        = string
  nullable    = false
}

variable "region" {
  description = "Region of the services; the load balancer itself is everywhere."
  type        = string
  nullable    = false
}

variable "prefix" {
  description = "What names begin with, such as dev-."
  type        = string
  default     = ""
  nullable    = false

  validation {
    condition     = can(regex("^([a-z][a-z0-9-]{0,18}-)?$", var.prefix))
    error_message = "prefix is empty, or begins with a small letter, goes on with small letters, digits and hyphens, ends with a hyphen, and has at most 20 characters."
  }
}

variable "domains" {
  description = "Domain of each service that gets one, by the service's name in `services`."
  type        = map(string)
  nullable    = false

  validation {
    condition     = length(var.domains) > 0
    error_message = "A load balancer without a domain would answer nobody."
  }

  validation {
    condition     = alltrue([for key in keys(var.domains) : can(regex("^[a-z]([a-z0-9-]{0,18}[a-z0-9])?$", key))])
    error_message = "Services are named by at most 20 small letters, digits and hyphens, with a letter in front and no hyphen at the end."
  }

  validation {
    condition     = alltrue([for domain in values(var.domains) : can(regex("^([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\\.)+[a-z]{2,63}$", domain))])
    error_message = "A domain is a host's name in small letters, such as ingest.turnscribe.example: no https://, no path, no asterisk."
  }

  validation {
    condition     = length(distinct(values(var.domains))) == length(var.domains)
    error_message = "Two services cannot share a domain."
  }
}

variable "services" {
  description = "Name of each Cloud Run service, by the same names; those without a domain are left alone."
  type        = map(string)
  nullable    = false

  validation {
    condition     = length(setsubtract(keys(var.domains), keys(var.services))) == 0
    error_message = "A domain is for a service that is not in services."
  }
}

variable "tls_profile" {
  description = "Which ciphers of TLS 1.2 are spoken: COMPATIBLE, MODERN or RESTRICTED. Nothing below TLS 1.2 is, whichever it is."
  type        = string
  default     = "MODERN"
  nullable    = false

  validation {
    condition     = contains(["COMPATIBLE", "MODERN", "RESTRICTED"], var.tls_profile)
    error_message = "tls_profile is COMPATIBLE, MODERN or RESTRICTED."
  }
}

variable "log_sample_rate" {
  description = "Share of requests that the load balancer logs, from 0 (none) to 1. The services log each one themselves."
  type        = number
  default     = 0.1
  nullable    = false

  validation {
    condition     = var.log_sample_rate >= 0 && var.log_sample_rate <= 1
    error_message = "log_sample_rate is from 0 to 1."
  }
}

variable "rate_limit" {
  description = "So many requests an address may make in interval_sec to each of `services` (null: to all that have a domain); the rest gets 429. preview: it is only logged. Null: no limit."
  type = object({
    requests     = number
    interval_sec = optional(number, 60)
    services     = optional(set(string))
    preview      = optional(bool, false)
  })
  default = null

  validation {
    condition     = try(var.rate_limit.requests >= 1 && var.rate_limit.requests <= 1000000, var.rate_limit == null)
    error_message = "rate_limit.requests is from 1 to 1000000."
  }

  validation {
    condition     = try(contains([10, 30, 60, 120, 180, 240, 270, 300, 600, 900, 1200, 1800, 2700, 3600], var.rate_limit.interval_sec), var.rate_limit == null)
    error_message = "rate_limit.interval_sec is one of Cloud Armor's: 10, 30, 60, 120, 180, 240, 270, 300, 600, 900, 1200, 1800, 2700 or 3600."
  }

  validation {
    condition     = try(length(setsubtract(var.rate_limit.services, keys(var.domains))) == 0, true)
    error_message = "rate_limit.services names a service without a domain."
  }
}

variable "labels" {
  description = "Labels of everything that can have labels."
  type        = map(string)
  default     = {}
  nullable    = false
}
