# Where things lie, and how long.

variable "bucket" {
  description = "The bucket of audio and segments. name: null for {project}-{prefix}turnscribe; location: null for the region; soft_delete_days: for so long what was deleted can be had back, and was not deleted; force_destroy: whether Terraform may delete it with everything in it; raw_audio_classes, segment_classes, delete_after_days: what becomes of objects by age, as in modules/storage."
  type = object({
    name              = optional(string)
    location          = optional(string)
    soft_delete_days  = optional(number, 0)
    force_destroy     = optional(bool, false)
    raw_audio_classes = optional(map(number), {})
    segment_classes   = optional(map(number), {})
    delete_after_days = optional(object({
      dropbox           = optional(number)
      dead_letters      = optional(number)
      unreadable_pushes = optional(number)
    }), {})
  })
  default  = {}
  nullable = false
}

variable "paths" {
  description = "First parts of object names: what was uploaded (RAW_AUDIO_PATH), what was cut (SEGMENTS_PATH), and what becomes a meeting by being there (DROPBOX_PATH)."
  type = object({
    raw_audio = optional(string, "raw")
    segments  = optional(string, "segments")
    dropbox   = optional(string, "dropbox")
  })
  default  = {}
  nullable = false

  validation {
    condition     = alltrue([for path in values(var.paths) : can(regex("^[A-Za-z0-9_-][A-Za-z0-9._-]*(/[A-Za-z0-9_-][A-Za-z0-9._-]*)*$", path))])
    error_message = "paths are names with / between them: letters, digits and . _ -, without a slash at either end."
  }

  validation {
    condition = alltrue([
      for pair in setproduct(values(var.paths), values(var.paths)) : !startswith("${pair[0]}/", "${pair[1]}/") || pair[0] == pair[1]
    ]) && length(distinct(values(var.paths))) == 3
    error_message = "paths differ, and none of them lies below another."
  }
}

variable "firestore" {
  description = "The database of transcripts. name: null for (default), or {prefix}turnscribe where there is a prefix; location: null for the region; point_in_time_recovery: whether every version of the last seven days can be had back."
  type = object({
    name                   = optional(string)
    location               = optional(string)
    point_in_time_recovery = optional(bool, false)
  })
  default  = {}
  nullable = false
}

variable "redis" {
  description = "Redis of the hot state: BASIC is one node, STANDARD_HA has another one that takes over. What it holds can be rebuilt. There is no installation without."
  type = object({
    tier      = optional(string, "BASIC")
    memory_gb = optional(number, 1)
  })
  default  = {}
  nullable = false

  validation {
    condition     = contains(["BASIC", "STANDARD_HA"], var.redis.tier)
    error_message = "redis.tier is BASIC or STANDARD_HA. Without Redis every instance of the segmenter would have a hot state of its own, so there is no such option."
  }
}

variable "redis_auth" {
  description = "Whether Redis asks for a password as well as for being on the network. Its value comes from Google and is kept in Terraform's state, which the provider does not avoid."
  type        = bool
  default     = true
  nullable    = false
}

variable "network" {
  description = "How the segmenter gets to Redis: through a Serverless VPC Access connector, or directly. See modules/network."
  type = object({
    egress = optional(string, "connector")
    connector = optional(object({
      cidr          = optional(string, "10.8.0.0/28")
      machine_type  = optional(string, "e2-micro")
      min_instances = optional(number, 2)
      max_instances = optional(number, 3)
    }), {})
    subnet_cidr = optional(string, "10.8.1.0/24")
  })
  default  = {}
  nullable = false

  validation {
    condition     = contains(["connector", "direct"], var.network.egress)
    error_message = "network.egress is connector or direct."
  }
}

variable "retention_days" {
  description = "Days for which meetings are kept where their tenant has not said otherwise; 0: for ever."
  type        = number
  default     = 0
  nullable    = false

  validation {
    condition     = var.retention_days >= 0 && var.retention_days <= 36500 && floor(var.retention_days) == var.retention_days
    error_message = "retention_days is a whole number from 0 to 36500."
  }
}
