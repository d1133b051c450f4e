variable "project_id" {
  description = "Project that the topics belong to."
  type        = string
}

variable "project_number" {
  description = "Number of that project: it names the identity in which Pub/Sub moves dead letters."
  type        = string

  validation {
    condition     = can(regex("^[0-9]+$", var.project_number))
    error_message = "project_number is the number of the project, not its id."
  }
}

variable "region" {
  description = "Region of the schedules."
  type        = string
}

variable "prefix" {
  description = "What the names of topics, subscriptions and schedules begin with; the services know it as PUBSUB_PREFIX."
  type        = string
  default     = ""

  validation {
    condition     = can(regex("^([A-Za-z][A-Za-z0-9._~+%-]*)?$", var.prefix))
    error_message = "prefix begins with a letter and goes on with letters, digits and . _ ~ + % -."
  }
}

variable "service_urls" {
  description = "Base URL of each service that is pushed to, by its name in the topology; also the audience of its pushes."
  type        = map(string)

  validation {
    condition     = alltrue([for url in values(var.service_urls) : can(regex("^https://[^/]+$", url))])
    error_message = "service_urls are https:// URLs without a path or a slash at the end."
  }
}

variable "push_service_account_email" {
  description = "Service account that pushes and schedules are signed by; the services know it from PUSH_SERVICE_ACCOUNTS."
  type        = string
}

variable "message_retention" {
  description = "How long a subscription keeps what was not acknowledged."
  type        = string
  default     = "604800s"
}

variable "labels" {
  description = "Labels of everything that can have labels."
  type        = map(string)
  default     = {}
}

variable "bucket" {
  description = "Bucket whose drop box is watched (the services know it as GCS_BUCKET); null for none."
  type        = string
  default     = null
}

variable "dropbox_path" {
  description = "First part of the names of objects that become meetings; ingest knows it as DROPBOX_PATH."
  type        = string
  default     = "dropbox"

  validation {
    condition     = can(regex("^[^/].*[^/]$", var.dropbox_path))
    error_message = "dropbox_path begins and ends without a slash."
  }
}
