variable "project_id" {
  description = "Project that the service and its account belong to."
  type        = string
  nullable    = false
}

variable "project_number" {
  description = "Number of that project: it is part of the service's URL."
  type        = string
  nullable    = false

  validation {
    condition     = can(regex("^[0-9]+$", var.project_number))
    error_message = "project_number is the number of the project, not its id."
  }
}

variable "region" {
  description = "Region that the service runs in. Not every one has L4s."
  type        = string
  nullable    = false
}

variable "prefix" {
  description = "What the service's name begins with, such as dev-."
  type        = string
  default     = ""
  nullable    = false

  validation {
    condition     = can(regex("^([a-z][a-z0-9-]*-)?$", var.prefix))
    error_message = "prefix is empty, or begins with a small letter, goes on with small letters, digits and hyphens, and ends with a hyphen."
  }
}

variable "image" {
  description = "Image of whisper_service, by digest. For a GPU it holds cuBLAS 12: see the README."
  type        = string
  nullable    = false
}

variable "service_account_email" {
  description = "Service account that the service runs as; of this service alone. It needs no right but to read the models."
  type        = string
  nullable    = false
}

variable "invokers" {
  description = "Who may call, by a name of your choice: full members, as a rule the account of transcribe alone."
  type        = map(string)
  nullable    = false
}

variable "deployer_email" {
  description = "Service account that may deploy revisions of this service. Null: nobody gets that right here."
  type        = string
  default     = null
}

variable "models_bucket" {
  description = "Bucket with models, a folder each; mounted read-only. Null: the model is in the image, or downloaded at each start."
  type        = string
  default     = null
}

variable "model" {
  description = "With models_bucket the model's folder in it, in CTranslate2's format. Without: what WHISPER_MODEL takes, such as a name that faster-whisper downloads."
  type        = string
  default     = "large-v3-turbo"
  nullable    = false

  validation {
    condition     = can(regex("^[A-Za-z0-9][A-Za-z0-9._:/-]*[A-Za-z0-9]$", var.model))
    error_message = "model is a folder or a name, without a slash at either end."
  }
}

variable "gpu" {
  description = "GPU of each instance: nvidia-l4. Null: none, the model computes on the CPU."
  type        = string
  default     = "nvidia-l4"
}

variable "zonal_redundancy" {
  description = "True: capacity for the GPU is reserved in a second zone, at a higher price and out of another quota."
  type        = bool
  default     = false
  nullable    = false
}

variable "compute_type" {
  description = "WHISPER_COMPUTE_TYPE: kind of numbers that the model computes with. auto: float16 on an L4, int8 on the CPU."
  type        = string
  default     = "auto"
  nullable    = false

  validation {
    condition     = contains(["auto", "int8", "int8_float32", "int8_float16", "int8_bfloat16", "int16", "float16", "bfloat16", "float32"], var.compute_type)
    error_message = "compute_type is auto or one of CTranslate2's."
  }
}

variable "workers" {
  description = "WHISPER_WORKERS: transcriptions that an instance does at a time."
  type        = number
  default     = 2
  nullable    = false

  validation {
    condition     = var.workers >= 1 && var.workers <= 64
    error_message = "workers is from 1 to 64."
  }
}

variable "queue" {
  description = "WHISPER_QUEUE: transcriptions that may wait in an instance."
  type        = number
  default     = 8
  nullable    = false

  validation {
    condition     = var.queue >= 0 && var.queue <= 256
    error_message = "queue is from 0 to 256."
  }
}

variable "concurrency" {
  description = "Requests that Cloud Run gives an instance at a time. Null: as many as it takes, workers + queue."
  type        = number
  default     = null

  validation {
    condition     = var.concurrency == null || try(var.concurrency <= var.workers + var.queue, false)
    error_message = "concurrency is at most workers + queue: the instance answers 429 to the rest while others may be free."
  }
}

variable "cpu" {
  description = "CPUs of an instance; 4 or more with a GPU."
  type        = number
  default     = 4
  nullable    = false
}

variable "memory" {
  description = "Memory of an instance; 16Gi or more with a GPU. A model that is downloaded lies in it too."
  type        = string
  default     = "16Gi"
  nullable    = false
}

variable "min_instances" {
  description = "Instances that are kept, and paid for, without traffic."
  type        = number
  default     = 0
  nullable    = false
}

variable "max_instances" {
  description = "Most instances; the project's quota of L4s in the region is a limit of its own."
  type        = number
  default     = 1
  nullable    = false
}

variable "timeout_sec" {
  description = "Seconds after which Cloud Run ends a request. transcribe waits WHISPER_TIMEOUT_SEC, 40 unless it is set."
  type        = number
  default     = 60
  nullable    = false
}

variable "env" {
  description = "More environment variables, such as WHISPER_BEAM_SIZE. What this module sets itself wins."
  type        = map(string)
  default     = {}
  nullable    = false

  validation {
    condition     = !contains(keys(var.env), "WHISPER_API_TOKEN")
    error_message = "WHISPER_API_TOKEN is for servers that anybody can reach: here the Authorization header holds Cloud Run's identity token."
  }
}

variable "deletion_protection" {
  description = "True: Terraform refuses to delete the service."
  type        = bool
  default     = true
  nullable    = false
}

variable "labels" {
  description = "Labels of the service."
  type        = map(string)
  default     = {}
  nullable    = false
}
