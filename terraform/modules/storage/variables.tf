variable "project_id" {
  description = "Project that the bucket belongs to."
  type        = string
  nullable    = false
}

variable "name" {
  description = "Name of the bucket, of which there is one in the world; the services know it as GCS_BUCKET."
  type        = string
  nullable    = false

  validation {
    condition     = can(regex("^[a-z0-9][a-z0-9_-]{1,61}[a-z0-9]$", var.name))
    error_message = "name has 3 to 63 lower-case letters, digits, _ and -, and begins and ends with a letter or a digit."
  }
}

variable "location" {
  description = "Region of the bucket, that of the services, or a dual- or multi-region. It cannot be changed."
  type        = string
  nullable    = false
}

variable "soft_delete_days" {
  description = "Days for which what was deleted can be brought back: 0, or 7 to 90. Above 0, a deleted meeting's audio is still there, and paid for, for so long."
  type        = number
  default     = 0
  nullable    = false

  validation {
    condition     = var.soft_delete_days == 0 || (var.soft_delete_days >= 7 && var.soft_delete_days <= 90)
    error_message = "soft_delete_days is 0, or 7 to 90."
  }
}

variable "raw_path" {
  description = "First part of the names of uploaded audio: RAW_AUDIO_PATH."
  type        = string
  default     = "raw"
  nullable    = false

  validation {
    condition     = can(regex("^[^/](.*[^/])?$", var.raw_path))
    error_message = "raw_path begins and ends without a slash."
  }
}

variable "segments_path" {
  description = "First part of the names of what the segmenter makes: SEGMENTS_PATH."
  type        = string
  default     = "segments"
  nullable    = false

  validation {
    condition     = can(regex("^[^/](.*[^/])?$", var.segments_path))
    error_message = "segments_path begins and ends without a slash."
  }

  validation {
    condition     = !startswith("${var.segments_path}/", "${var.raw_path}/") && !startswith("${var.raw_path}/", "${var.segments_path}/")
    error_message = "segments_path must differ from raw_path, and neither may lie below the other."
  }
}

variable "dropbox_path" {
  description = "First part of the names of objects that become meetings: DROPBOX_PATH."
  type        = string
  default     = "dropbox"
  nullable    = false

  validation {
    condition     = can(regex("^[^/](.*[^/])?$", var.dropbox_path))
    error_message = "dropbox_path begins and ends without a slash."
  }

  validation {
    condition = alltrue([
      for other in [var.raw_path, var.segments_path] :
      !startswith("${var.dropbox_path}/", "${other}/") && !startswith("${other}/", "${var.dropbox_path}/")
    ])
    error_message = "dropbox_path must differ from raw_path and segments_path, and neither may lie below the other."
  }
}

variable "raw_audio_classes" {
  description = "Storage class to days: from which age on uploaded audio is kept in which cheaper class, such as { NEARLINE = 30, COLDLINE = 90 }. Empty: in STANDARD for ever. See the README for when that is cheaper."
  type        = map(number)
  default     = {}
  nullable    = false

  validation {
    condition     = length(setsubtract(keys(var.raw_audio_classes), ["NEARLINE", "COLDLINE", "ARCHIVE"])) == 0
    error_message = "raw_audio_classes are NEARLINE, COLDLINE and ARCHIVE."
  }

  validation {
    condition     = alltrue([for days in values(var.raw_audio_classes) : days >= 1 && floor(days) == days])
    error_message = "raw_audio_classes are entered after whole days, 1 or more."
  }
}

variable "segment_classes" {
  description = "The same for what the segmenter made."
  type        = map(number)
  default     = {}
  nullable    = false

  validation {
    condition     = length(setsubtract(keys(var.segment_classes), ["NEARLINE", "COLDLINE", "ARCHIVE"])) == 0
    error_message = "segment_classes are NEARLINE, COLDLINE and ARCHIVE."
  }

  validation {
    condition     = alltrue([for days in values(var.segment_classes) : days >= 1 && floor(days) == days])
    error_message = "segment_classes are entered after whole days, 1 or more."
  }
}

variable "delete_after_days" {
  description = "Days after which files in the drop box, dead letters, and pushes that no service could read are deleted; null: never. Longer than Pub/Sub keeps a message, so that none speaks of a file that is gone. Meetings are RETENTION_DAYS' business."
  type = object({
    dropbox           = optional(number)
    dead_letters      = optional(number)
    unreadable_pushes = optional(number)
  })
  default  = {}
  nullable = false

  validation {
    condition = alltrue([
      for days in values(var.delete_after_days) : days == null || try(days >= 8 && floor(days) == days, false)
    ])
    error_message = "delete_after_days are whole days, 8 or more: a message about a file may come for 7 days."
  }
}

variable "kms_key_name" {
  description = "Key of Cloud KMS with which objects are encrypted, projects/…/cryptoKeys/…, in the bucket's location; null: Google's own. Cloud Storage's service agent needs roles/cloudkms.cryptoKeyEncrypterDecrypter on it first."
  type        = string
  default     = null
}

variable "access_log_bucket" {
  description = "Name of another bucket that gets usage logs of this one; null: none. Cloud Audit Logs are another matter, and say more."
  type        = string
  default     = null
}

variable "force_destroy" {
  description = "Let terraform destroy delete the bucket with everything in it. False: it refuses while anything is in it."
  type        = bool
  default     = false
  nullable    = false
}

variable "labels" {
  description = "Labels of the bucket."
  type        = map(string)
  default     = {}
  nullable    = false
}
