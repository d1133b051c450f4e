# Secrets, and who may send and see what.

variable "write_secrets" {
  description = "Whether Terraform writes the secrets' values, in a way that keeps them out of its state. False: somebody adds versions by hand, before the services are made, and the services read the latest."
  type        = bool
  default     = true
  nullable    = false
}

variable "secret_versions" {
  description = "Which writing of each secret counts: raise the number, and give the value, to write a new one. Names: api-token, redis-auth, whisper-api-token, engine-api-token; 1 where not given."
  type        = map(number)
  default     = {}
  nullable    = false

  validation {
    condition     = length(setsubtract(keys(var.secret_versions), ["api-token", "redis-auth", "whisper-api-token", "engine-api-token"])) == 0
    error_message = "secret_versions names api-token, redis-auth, whisper-api-token and engine-api-token alone."
  }
}

variable "api_token" {
  description = "The installation's own token (API_TOKEN): tenant default, all scopes, may make tokens for all tenants. Needed whenever it is written; null otherwise."
  type        = string
  default     = null
  sensitive   = true
  ephemeral   = true

  validation {
    condition     = var.api_token == null || try(length(var.api_token) >= 32 && can(regex("^[!-~]+$", var.api_token)), false)
    error_message = "api_token has at least 32 printable characters without blanks: openssl rand -hex 32."
  }
}

variable "whisper_api_token" {
  description = "Token of the Whisper server (WHISPER_API_TOKEN), where whisper.has_token says that there is one. Needed whenever it is written."
  type        = string
  default     = null
  sensitive   = true
  ephemeral   = true
}

variable "engine_api_token" {
  description = "Token of the Engine API (ENGINE_API_TOKEN), where engine_api.has_token says that there is one. Needed whenever it is written."
  type        = string
  default     = null
  sensitive   = true
  ephemeral   = true
}

variable "domains" {
  description = "Names of one's own for ingest and api, behind an HTTPS load balancer: { ingest = \"ingest.turnscribe.example\" }. Without: Cloud Run's own URLs."
  type        = map(string)
  default     = {}
  nullable    = false

  validation {
    condition     = length(setsubtract(keys(var.domains), ["ingest", "api"])) == 0
    error_message = "domains are for ingest and api: the other services are private."
  }

  validation {
    condition     = alltrue([for domain in values(var.domains) : can(regex("^([a-z0-9]([a-z0-9-]*[a-z0-9])?\\.)+[a-z]{2,}$", domain))])
    error_message = "domains are names such as ingest.turnscribe.example, in lower case and without https://."
  }
}

variable "cors_allowed_origins" {
  description = "Origins of web pages that may upload, besides the page of turnscribe itself, such as https://meet.example; * for any."
  type        = set(string)
  default     = []
  nullable    = false

  validation {
    condition     = alltrue([for origin in var.cors_allowed_origins : origin == "*" || can(regex("^[a-z][a-z0-9+.-]*://[a-z0-9.:\\[\\]-]+$", origin))])
    error_message = "cors_allowed_origins are written as browsers send them: scheme://host or scheme://host:port, in lower case and without a slash at the end."
  }
}

variable "upload_source_buckets" {
  description = "Buckets of others whose objects messages may name (UPLOAD_SOURCE_BUCKETS), by name. grant: whether Terraform lets ingest read them; false where their owner does."
  type        = map(object({ grant = optional(bool, true) }))
  default     = {}
  nullable    = false
}

variable "upload_publishers" {
  description = "Who may publish to the topic audio-uploads, by any name of yours: serviceAccount:…, group:…"
  type        = map(string)
  default     = {}
  nullable    = false
}

variable "dropbox_writers" {
  description = "Who may put files below the drop box, by any name of yours: serviceAccount:…, group:…, user:… They can't read there, nor write anywhere else."
  type        = map(string)
  default     = {}
  nullable    = false

  validation {
    condition     = alltrue([for member in values(var.dropbox_writers) : can(regex("^(serviceAccount|user|group|principal|principalSet):.+", member))])
    error_message = "dropbox_writers are serviceAccount:…, user:…, group:…, principal:… or principalSet:…; nobody else gets a say in what is transcribed."
  }
}
