# What only you know. The same in every environment; what each of them is like stands in main.tf.

variable "project_id" {
  description = "Project of this environment."
  type        = string
}

variable "region" {
  description = "Region of this environment, such as europe-west1."
  type        = string
}

variable "prefix" {
  description = "What all names begin with, such as dev-, where several environments share a project."
  type        = string
  default     = ""
}

variable "images" {
  description = "Images of the services' first revisions, by digest."
  type        = object({ ingest = string, segmenter = string, transcribe = string })
}

variable "deployer_email" {
  description = "Service account that deploys here: an output of terraform/build. Null: nobody but the project's own administrators."
  type        = string
  default     = null
}

variable "whisper" {
  description = "Who recognises speech: { url = … } for a server that is there, { service = { image = …, model = … } } for one on a GPU that is made here. See modules/turnscribe."
  type = object({
    url       = optional(string)
    dialect   = optional(string)
    auth      = optional(string)
    audience  = optional(string)
    has_token = optional(bool)
    service = optional(object({
      image         = string
      model         = string
      models_bucket = optional(string)
      gpu           = optional(string)
      cpu           = optional(number)
      memory        = optional(string)
      region        = optional(string)
      min_instances = optional(number)
      max_instances = optional(number)
    }))
  })
}

variable "engine_api" {
  description = "An Engine API that transcripts are posted to; null: there is none."
  type        = object({ url = string, tenants = optional(set(string)), has_token = optional(bool) })
  default     = null
}

variable "write_secrets" {
  description = "Whether Terraform writes the secrets' values (they are not kept in its state)."
  type        = bool
  default     = true
}

variable "secret_versions" {
  description = "Raise a secret's number, and give its value, to write a new one."
  type        = map(number)
  default     = {}
}

variable "api_token" {
  description = "The installation's own token, at least 32 characters; by TF_VAR_api_token. Needed the first time and whenever its number in secret_versions is raised."
  type        = string
  default     = null
  sensitive   = true
  ephemeral   = true
}

variable "whisper_api_token" {
  description = "The Whisper server's token, where whisper.has_token; likewise."
  type        = string
  default     = null
  sensitive   = true
  ephemeral   = true
}

variable "engine_api_token" {
  description = "The Engine API's token, where there is one; likewise."
  type        = string
  default     = null
  sensitive   = true
  ephemeral   = true
}

variable "domains" {
  description = "Names of one's own for ingest and api; empty: Cloud Run's URLs."
  type        = map(string)
  default     = {}
}

variable "cors_allowed_origins" {
  description = "Origins of web pages that may upload, besides turnscribe's own page."
  type        = set(string)
  default     = []
}

variable "upload_source_buckets" {
  description = "Buckets of others whose objects messages may name."
  type        = map(object({ grant = optional(bool, true) }))
  default     = {}
}

variable "upload_publishers" {
  description = "Who may publish to the topic audio-uploads."
  type        = map(string)
  default     = {}
}

variable "dropbox_writers" {
  description = "Who may put files below the drop box."
  type        = map(string)
  default     = {}
}

variable "retention_days" {
  description = "Days for which meetings are kept where their tenant has not said otherwise; 0: for ever."
  type        = number
  default     = 0
}

variable "settings" {
  description = "More environment variables of each service, as docs/settings.md has them."
  type = object({
    ingest     = optional(map(string), {})
    segmenter  = optional(map(string), {})
    transcribe = optional(map(string), {})
    api        = optional(map(string), {})
  })
  default = {}
}

variable "notification_emails" {
  description = "Whom alerts go to, by any name of yours."
  type        = map(string)
  default     = {}
}

variable "notification_channels" {
  description = "Notification channels of other kinds that exist already."
  type        = map(string)
  default     = {}
}

variable "runbook_url" {
  description = "Where docs/runbook.md can be read; alerts point there."
  type        = string
}

variable "budget" {
  description = "Tell when so much is spent in a month: a whole number, in the billing account's own currency; null: nobody is told."
  type        = object({ billing_account = string, amount = number, currency = optional(string) })
  default     = null
}
