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
  description = "How long a subscription keeps what was not acknowledged, as seconds with an s; 10 minutes to 31 days."
  type        = string
  default     = "604800s"
  nullable    = false

  validation {
    condition     = can(regex("^[0-9]+s$", var.message_retention)) && try(tonumber(trimsuffix(var.message_retention, "s")) >= 600 && tonumber(trimsuffix(var.message_retention, "s")) <= 2678400, false)
    error_message = "message_retention is 600s to 2678400s."
  }
}

variable "dead_letter_retention" {
  description = "The same for the subscriptions that dead letters come through. A week longer than a service may be down, and an outage loses none."
  type        = string
  default     = "1209600s"
  nullable    = false

  validation {
    condition     = can(regex("^[0-9]+s$", var.dead_letter_retention)) && try(tonumber(trimsuffix(var.dead_letter_retention, "s")) >= 600 && tonumber(trimsuffix(var.dead_letter_retention, "s")) <= 2678400, false)
    error_message = "dead_letter_retention is 600s to 2678400s."
  }

  # A message becomes a dead letter at the end of its first life at the latest, and then has a second one.
  validation {
    condition     = try(tonumber(trimsuffix(var.message_retention, "s")) + tonumber(trimsuffix(var.dead_letter_retention, "s")) < 2592000, false)
    error_message = "message_retention and dead_letter_retention together stay below 30 days (2592000s): so long is it remembered that a meeting was deleted, and a message that comes later would bring it back."
  }
}

variable "topic_retention" {
  description = "How long topics keep what everybody has acknowledged, so that a subscription can be set back in time, as seconds with an s; null: not at all."
  type        = string
  default     = null

  validation {
    condition     = var.topic_retention == null || try(tonumber(trimsuffix(var.topic_retention, "s")) >= 600 && tonumber(trimsuffix(var.topic_retention, "s")) < 2592000, false)
    error_message = "topic_retention is null, or 600s to less than 2592000s: so long is it remembered that a meeting was deleted."
  }
}

variable "publishers" {
  description = "Who may publish where besides Google's own services: by any name of yours, the topic by its name in the topology and the member, such as serviceAccount:…"
  type        = map(object({ topic = string, member = string }))
  default     = {}
  nullable    = false

  validation {
    condition     = alltrue([for publisher in values(var.publishers) : can(regex("^(serviceAccount|user|group|principal|principalSet):.+", publisher.member))])
    error_message = "A publisher is serviceAccount:…, user:…, group:…, principal:… or principalSet:…; nobody else gets a say in what is transcribed."
  }
}

variable "schedules_paused" {
  description = "Whether the schedules rest: nothing is swept then, and what was lost stays lost. For an installation that is being taken down or moved."
  type        = bool
  default     = false
  nullable    = false
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
