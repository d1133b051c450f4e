variable "project_id" {
  description = "Project that the instance belongs to."
  type        = string
  nullable    = false
}

variable "region" {
  description = "Region of the instance: that of the segmenter."
  type        = string
  nullable    = false
}

variable "prefix" {
  description = "What the instance's name begins with."
  type        = string
  default     = ""
  nullable    = false

  validation {
    condition     = can(regex("^([a-z][a-z0-9-]*-)?$", var.prefix))
    error_message = "prefix is empty, or begins with a lower-case letter and ends with a hyphen: dev-."
  }

  validation {
    condition     = length(var.prefix) <= 30
    error_message = "prefix has at most 30 characters: an instance's name has at most 40."
  }
}

variable "network_id" {
  description = "Network from which Redis is reached."
  type        = string
  nullable    = false
}

variable "private_services_range" {
  description = "Name of the range of private service access that the instance takes its address from. The peering is made before the instance."
  type        = string
  nullable    = false
}

variable "tier" {
  description = "BASIC: one node; it is empty after maintenance or a fault. STANDARD_HA: a replica in another zone takes over. It cannot be changed: another one is another instance, made anew."
  type        = string
  default     = "BASIC"
  nullable    = false

  validation {
    condition     = contains(["BASIC", "STANDARD_HA"], var.tier)
    error_message = "tier is BASIC or STANDARD_HA."
  }
}

variable "memory_gb" {
  description = "Memory in GiB, 1 to 300."
  type        = number
  default     = 1
  nullable    = false

  validation {
    condition     = var.memory_gb >= 1 && var.memory_gb <= 300 && floor(var.memory_gb) == var.memory_gb
    error_message = "memory_gb is a whole number from 1 to 300."
  }
}

variable "redis_version" {
  description = "Version of Redis: 7.0 or 7.2. It can go up in place, not down."
  type        = string
  default     = "REDIS_7_2"
  nullable    = false

  validation {
    condition     = contains(["REDIS_7_0", "REDIS_7_2"], var.redis_version)
    error_message = "redis_version is REDIS_7_0 or REDIS_7_2: turnscribe is tested with Redis 7."
  }
}

variable "auth" {
  description = "Ask for a password. Memorystore makes it, and the provider keeps it in Terraform's state: who may read the state may read it. False: who is on the network may speak with Redis."
  type        = bool
  default     = true
  nullable    = false
}

variable "replicas" {
  description = "STANDARD_HA only: replicas in other zones, 1 to 5. More than one needs 5 GiB and comes with an endpoint for reading, which turnscribe does not use."
  type        = number
  default     = 1
  nullable    = false

  validation {
    condition     = var.replicas >= 1 && var.replicas <= 5 && floor(var.replicas) == var.replicas
    error_message = "replicas is a whole number from 1 to 5."
  }

  validation {
    condition     = var.replicas == 1 || (var.tier == "STANDARD_HA" && var.memory_gb >= 5)
    error_message = "more than one replica needs tier STANDARD_HA and memory_gb of 5 or more."
  }
}

variable "snapshot_period" {
  description = "STANDARD_HA only: how often the memory is written to disk: ONE_HOUR, SIX_HOURS, TWELVE_HOURS or TWENTY_FOUR_HOURS. Null: never, because all of it can be rebuilt, and snapshots keep pieces of audio longer."
  type        = string
  default     = null

  validation {
    condition = var.snapshot_period == null || contains(
      ["ONE_HOUR", "SIX_HOURS", "TWELVE_HOURS", "TWENTY_FOUR_HOURS"],
      coalesce(var.snapshot_period, "none"),
    )
    error_message = "snapshot_period is ONE_HOUR, SIX_HOURS, TWELVE_HOURS or TWENTY_FOUR_HOURS."
  }

  validation {
    condition     = var.snapshot_period == null || var.tier == "STANDARD_HA"
    error_message = "snapshot_period needs tier STANDARD_HA."
  }
}

variable "maintenance_window" {
  description = "The hour, in UTC, in which Google may bring the instance up to date. A BASIC instance is empty afterwards."
  type = object({
    day      = optional(string, "SUNDAY")
    hour_utc = optional(number, 3)
  })
  default  = {}
  nullable = false

  validation {
    condition = contains(
      ["MONDAY", "TUESDAY", "WEDNESDAY", "THURSDAY", "FRIDAY", "SATURDAY", "SUNDAY"],
      var.maintenance_window.day,
    )
    error_message = "maintenance_window.day is a day of the week in capitals: SUNDAY."
  }

  validation {
    condition = (
      var.maintenance_window.hour_utc >= 0 && var.maintenance_window.hour_utc <= 23 &&
      floor(var.maintenance_window.hour_utc) == var.maintenance_window.hour_utc
    )
    error_message = "maintenance_window.hour_utc is a whole number from 0 to 23."
  }
}

variable "labels" {
  description = "Labels of the instance."
  type        = map(string)
  default     = {}
  nullable    = false
}
