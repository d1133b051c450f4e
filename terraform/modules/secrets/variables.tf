variable "project_id" {
  description = "Project that the secrets belong to."
  type        = string
  nullable    = false
}

variable "prefix" {
  description = "What the secrets' names begin with."
  type        = string
  default     = ""
  nullable    = false

  validation {
    condition     = can(regex("^([a-z][a-z0-9-]*-)?$", var.prefix))
    error_message = "prefix is empty, or begins with a lower-case letter and ends with a hyphen: dev-."
  }
}

variable "secrets" {
  description = "Secrets by name. accessor_emails: service accounts that may read it, each under a name that is known before it is made. version: 1 to have Terraform write the value from values, one more to have it write another; null: somebody adds versions by hand."
  type = map(object({
    accessor_emails = optional(map(string), {})
    version         = optional(number)
  }))
  nullable = false

  validation {
    condition     = alltrue([for name in keys(var.secrets) : can(regex("^[A-Za-z0-9_-]{1,200}$", name))])
    error_message = "secrets have names of letters, digits, _ and -."
  }

  validation {
    condition = alltrue([
      for secret in values(var.secrets) : secret.version == null || try(secret.version >= 1 && floor(secret.version) == secret.version, false)
    ])
    error_message = "version is a whole number from 1 on, or null."
  }

  validation {
    condition = alltrue(flatten([
      for secret in values(var.secrets) : [for email in values(secret.accessor_emails) : !strcontains(email, ":")]
    ]))
    error_message = "accessor_emails are bare e-mail addresses of service accounts, without serviceAccount: before them."
  }
}

variable "values" {
  description = "What is to be written, by the secret's name. Wanted only by an apply that writes: a secret's first, and each after its version was raised. In no state, and in no saved plan where it comes from ephemeral variables."
  type        = map(string)
  default     = {}
  sensitive   = true
  ephemeral   = true
  nullable    = false
}

variable "replica_regions" {
  description = "Regions that keep the secrets; empty: Google chooses, anywhere. It cannot be changed."
  type        = set(string)
  default     = []
  nullable    = false
}

variable "rotation_reminder" {
  description = "A message to a topic (projects/…/topics/…) every so many days, from first_at (RFC 3339, UTC) on, that says to rotate; it changes nothing. Secret Manager's service agent needs roles/pubsub.publisher on the topic. Null: none."
  type = object({
    topic      = string
    every_days = optional(number, 90)
    first_at   = string
  })
  default = null

  validation {
    condition     = var.rotation_reminder == null || can(regex("^projects/[^/]+/topics/[^/]+$", var.rotation_reminder.topic))
    error_message = "rotation_reminder.topic is projects/{project}/topics/{topic}."
  }

  validation {
    condition     = var.rotation_reminder == null || try(var.rotation_reminder.every_days >= 1 && var.rotation_reminder.every_days <= 36500, false)
    error_message = "rotation_reminder.every_days is 1 to 36500."
  }

  validation {
    condition     = var.rotation_reminder == null || can(formatdate("YYYY", var.rotation_reminder.first_at))
    error_message = "rotation_reminder.first_at is a time: 2027-01-01T00:00:00Z."
  }
}

variable "labels" {
  description = "Labels of the secrets."
  type        = map(string)
  default     = {}
  nullable    = false
}
