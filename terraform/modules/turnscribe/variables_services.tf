# How the services run, what they are told, and who recognises speech for them.

variable "services" {
  description = "Size of each service: vCPUs and memory of an instance; instances at least and at most; seconds for a request; worker processes (one for each vCPU) and threads of each. An instance gets workers × threads requests at a time."
  type = object({
    ingest = optional(object({
      cpu           = optional(number, 1)
      memory        = optional(string, "2Gi")
      min_instances = optional(number, 0)
      max_instances = optional(number, 30)
      timeout_sec   = optional(number, 600)
      workers       = optional(number, 1)
      threads       = optional(number, 80)
    }), {})
    segmenter = optional(object({
      cpu           = optional(number, 2)
      memory        = optional(string, "4Gi")
      min_instances = optional(number, 0)
      max_instances = optional(number, 20)
      timeout_sec   = optional(number, 60)
      workers       = optional(number, 2)
      threads       = optional(number, 8)
    }), {})
    transcribe = optional(object({
      cpu           = optional(number, 2)
      memory        = optional(string, "4Gi")
      min_instances = optional(number, 0)
      max_instances = optional(number, 20)
      timeout_sec   = optional(number, 60)
      workers       = optional(number, 2)
      threads       = optional(number, 16)
    }), {})
    api = optional(object({
      cpu           = optional(number, 1)
      memory        = optional(string, "2Gi")
      min_instances = optional(number, 0)
      max_instances = optional(number, 20)
      timeout_sec   = optional(number, 3600)
      workers       = optional(number, 1)
      threads       = optional(number, 258)
    }), {})
  })
  default  = {}
  nullable = false

  # Pub/Sub sends a message again when its deadline has passed: a request that is still at work then has a twin.
  validation {
    condition     = alltrue([for service, deadline_sec in local.push_deadlines_sec : var.services[service].timeout_sec <= deadline_sec])
    error_message = "A service's timeout_sec is at most the shortest acknowledgement deadline of what is pushed to it (common/topology.json): ingest 600, segmenter and transcribe 60."
  }

  validation {
    condition     = var.services.ingest.timeout_sec > 60 && var.services.api.timeout_sec > 300 && var.services.api.timeout_sec <= 3600
    error_message = "ingest's timeout_sec is more than 60 (WebSockets end 60 s before it), the api's more than 300 (live readers leave 300 s before it) and at most 3600."
  }

  # A sweep is one request; a segment at Whisper takes up to WHISPER_BUDGET_SEC.
  validation {
    condition     = var.services.segmenter.timeout_sec >= 60 && var.services.transcribe.timeout_sec >= 60
    error_message = "segmenter and transcribe need 60 s: for a sweep, and for a segment that Whisper takes long for."
  }

  validation {
    condition     = alltrue([for service in values(var.services) : service.workers * service.threads <= 1000 && service.threads <= 996])
    error_message = "workers × threads is at most 1000, which is Cloud Run's most for one instance; threads at most 996, for four are kept for health checks."
  }

  validation {
    condition     = var.services.api.threads > 8 && var.services.api.workers == 1
    error_message = "The api has one worker with more than 8 threads: all but 8 are for live readers, each of whom holds one."
  }

  validation {
    condition     = alltrue([for service in values(var.services) : service.min_instances >= 0 && service.min_instances <= service.max_instances && service.max_instances >= 1])
    error_message = "min_instances is at most max_instances, which is at least 1."
  }
}

variable "settings" {
  description = "More environment variables of each service, such as { segmenter = { SPEAKER_DELAY_SEC = \"auto\" } }; docs/settings.md has all of them. What follows from other variables of this module, and secrets, can't be set here."
  type = object({
    ingest     = optional(map(string), {})
    segmenter  = optional(map(string), {})
    transcribe = optional(map(string), {})
    api        = optional(map(string), {})
  })
  default  = {}
  nullable = false

  validation {
    condition     = alltrue([for settings in values(var.settings) : length(setintersection(keys(settings), local.owned_settings)) == 0])
    error_message = "settings name a variable that follows from the rest of the installation, such as PUSH_AUDIENCE, or a secret. Use this module's own variables for it."
  }

  validation {
    condition     = alltrue(flatten([for settings in values(var.settings) : [for name in keys(settings) : can(regex("^[A-Z][A-Z0-9_]*$", name))]]))
    error_message = "settings are named as in docs/settings.md, in capitals."
  }
}

variable "whisper" {
  description = "Who recognises speech: a server that is there (url), or one that is made here (service). Of a server that is there: dialect (openai or plain), auth (token: with a token or without any; google: an identity token, for audience), has_token (whether whisper_api_token is one for it). Of one that is made: image by digest, model (a folder in models_bucket, or a name that is downloaded at each start), gpu nvidia-l4 or none, its own region where this one has no such GPU."
  type = object({
    url       = optional(string)
    dialect   = optional(string, "openai")
    auth      = optional(string, "token")
    audience  = optional(string)
    has_token = optional(bool, false)
    service = optional(object({
      image         = string
      model         = string
      models_bucket = optional(string)
      gpu           = optional(string, "nvidia-l4")
      cpu           = optional(number, 4)
      memory        = optional(string, "16Gi")
      region        = optional(string)
      min_instances = optional(number, 0)
      max_instances = optional(number, 3)
    }))
  })
  nullable = false

  validation {
    condition     = (var.whisper.url == null) != (var.whisper.service == null)
    error_message = "whisper has either a url or a service that is made: without one of them nothing would be transcribed."
  }

  validation {
    condition     = var.whisper.url == null || can(regex("^https://[^/]", var.whisper.url))
    error_message = "whisper.url is https: audio goes there over the Internet."
  }

  validation {
    condition     = contains(["openai", "plain"], var.whisper.dialect) && contains(["token", "google"], var.whisper.auth)
    error_message = "whisper.dialect is openai or plain, whisper.auth is token or google."
  }

  validation {
    condition     = !(var.whisper.has_token && (var.whisper.auth == "google" || var.whisper.service != null))
    error_message = "A Whisper server that is made here, or asks for Google's identity tokens, takes no token of its own."
  }

  validation {
    condition     = var.whisper.audience == null || var.whisper.auth == "google"
    error_message = "whisper.audience belongs to auth = \"google\"."
  }

  validation {
    condition     = var.whisper.service == null || contains(["nvidia-l4", "none"], try(var.whisper.service.gpu, ""))
    error_message = "whisper.service.gpu is nvidia-l4, or none."
  }

  validation {
    condition     = var.whisper.service == null || can(regex("@sha256:[0-9a-f]{64}$", var.whisper.service.image))
    error_message = "whisper.service.image is named by digest (…@sha256:…): a tag may be another image tomorrow."
  }
}

variable "engine_api" {
  description = "An Engine API that transcripts are posted to: its base URL, whose transcripts it gets, and whether engine_api_token is one for it. Null: there is none."
  type = object({
    url       = string
    tenants   = optional(set(string), ["default"])
    has_token = optional(bool, true)
  })
  default = null

  validation {
    condition     = var.engine_api == null || can(regex("^https?://[^/?#]+[^?#]*$", var.engine_api.url))
    error_message = "engine_api.url is a URL without a query."
  }
}

variable "schedules_paused" {
  description = "Whether sweeps rest, while an installation is taken down or moved."
  type        = bool
  default     = false
  nullable    = false
}
