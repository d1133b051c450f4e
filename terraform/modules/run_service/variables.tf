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
  description = "Region that the service runs in."
  type        = string
  nullable    = false
}

variable "name" {
  description = "Name of the service, prefix included."
  type        = string
  nullable    = false

  validation {
    condition     = can(regex("^[a-z]([a-z0-9-]{0,47}[a-z0-9])?$", var.name))
    error_message = "name begins with a small letter, goes on with small letters, digits and hyphens, ends without a hyphen, and has at most 49 characters."
  }
}

variable "image" {
  description = "Image of the first revision, by digest: NAME@sha256:…. Later ones come from the deployer."
  type        = string
  nullable    = false

  validation {
    condition     = can(regex("^[^@[:space:]]+@sha256:[0-9a-f]{64}$", var.image))
    error_message = "image must name a digest (NAME@sha256: and 64 hexadecimal digits): what a tag means can change between two instances."
  }
}

variable "service_account_email" {
  description = "Service account that the service runs as; an account of the same project, and of this service alone."
  type        = string
  nullable    = false
}

variable "env" {
  description = "Environment variables. What is secret goes into secret_env."
  type        = map(string)
  default     = {}
  nullable    = false

  validation {
    condition     = alltrue([for name in keys(var.env) : can(regex("^[A-Za-z_][A-Za-z0-9_]*$", name))])
    error_message = "Names of variables begin with a letter or _ and go on with letters, digits and _."
  }

  validation {
    condition     = length(setintersection(keys(var.env), ["PORT", "K_SERVICE", "K_REVISION", "K_CONFIGURATION"])) == 0
    error_message = "PORT, K_SERVICE, K_REVISION and K_CONFIGURATION are set by Cloud Run; the port is `port`."
  }

  validation {
    condition     = !(var.public && lookup(var.env, "PUSH_SIGNATURE", "") == "cloud_run")
    error_message = "PUSH_SIGNATURE=cloud_run trusts Cloud Run to have checked who calls, and it checks nobody where public = true: anybody could push."
  }

  validation {
    condition     = !contains(keys(var.env), "GUNICORN_THREADS") || try(var.concurrency <= tonumber(lookup(var.env, "WEB_CONCURRENCY", "1")) * tonumber(var.env["GUNICORN_THREADS"]), false)
    error_message = "concurrency is at most WEB_CONCURRENCY × GUNICORN_THREADS: what is let in beyond the threads would wait unseen inside the instance."
  }
}

variable "secret_env" {
  description = "Environment variables whose values are secrets: id of the secret (or its full name, where it is another project's) and the version, `latest` or a number. The grants must exist before the service does: see the README."
  type = map(object({
    secret  = string
    version = string
  }))
  default  = {}
  nullable = false

  validation {
    condition     = alltrue([for reference in values(var.secret_env) : can(regex("^([1-9][0-9]*|latest)$", reference.version))])
    error_message = "A secret's version is a number or latest."
  }

  validation {
    condition     = length(setintersection(keys(var.env), keys(var.secret_env))) == 0
    error_message = "A variable is set by env or by secret_env, not by both."
  }
}

variable "cpu" {
  description = "CPUs of an instance: 1, 2, 4, 6 or 8."
  type        = number
  default     = 1
  nullable    = false

  validation {
    condition     = contains([1, 2, 4, 6, 8], var.cpu)
    error_message = "cpu is 1, 2, 4, 6 or 8: fractions exist in the first generation of the environment only, with one request at a time."
  }
}

variable "memory" {
  description = "Memory of an instance, in Mi or Gi; /tmp is part of it. 1 CPU takes up to 4Gi, 2 up to 8Gi, 4 2 to 16Gi, 6 4 to 24Gi, 8 4 to 32Gi."
  type        = string
  default     = "2Gi"
  nullable    = false

  validation {
    condition     = can(regex("^[1-9][0-9]*(Mi|Gi)$", var.memory)) && try((endswith(var.memory, "Gi") ? 1024 : 1) * tonumber(regex("^[0-9]+", var.memory)) >= 512, false)
    error_message = "memory is a whole number of Mi or Gi, such as 2Gi, and at least 512Mi."
  }

  validation {
    condition     = try((endswith(var.memory, "Gi") ? 1024 : 1) * tonumber(regex("^[0-9]+", var.memory)) <= 1024 * local.memory_gib[var.cpu].most, true)
    error_message = "Cloud Run gives this much memory to more CPUs only: up to 4Gi to 1, 8Gi to 2, 16Gi to 4, 24Gi to 6, 32Gi to 8."
  }

  validation {
    condition     = try((endswith(var.memory, "Gi") ? 1024 : 1) * tonumber(regex("^[0-9]+", var.memory)) >= 1024 * local.memory_gib[var.cpu].least, true)
    error_message = "Cloud Run wants more memory with so many CPUs: 2Gi with 4, 4Gi with 6 and 8."
  }
}

locals {
  memory_mib = tonumber(regex("^[0-9]+", var.memory)) * (endswith(var.memory, "Gi") ? 1024 : 1)
  # https://cloud.google.com/run/docs/configuring/services/cpu, read in November 2026.
  memory_gib = {
    1 = { least = 0, most = 4 }
    2 = { least = 0, most = 8 }
    4 = { least = 2, most = 16 }
    6 = { least = 4, most = 24 }
    8 = { least = 4, most = 32 }
  }
}

variable "cpu_idle" {
  description = "True: an instance has CPU and is paid for while it has a request (request-based billing). False: as long as it lives."
  type        = bool
  default     = true
  nullable    = false
}

variable "startup_cpu_boost" {
  description = "More CPU while an instance starts and shortly after."
  type        = bool
  default     = true
  nullable    = false
}

variable "min_instances" {
  description = "Instances that are kept without traffic; 0: it scales to zero. A tagged revision without traffic keeps as many of its own."
  type        = number
  default     = 0
  nullable    = false

  validation {
    condition     = var.min_instances >= 0 && floor(var.min_instances) == var.min_instances
    error_message = "min_instances is 0 or a whole number above."
  }

  validation {
    condition     = var.min_instances <= var.max_instances
    error_message = "min_instances is at most max_instances."
  }
}

variable "max_instances" {
  description = "Instances beyond which requests wait and are then refused (429)."
  type        = number
  nullable    = false

  validation {
    condition     = var.max_instances >= 1 && floor(var.max_instances) == var.max_instances
    error_message = "max_instances is a whole number, 1 or more."
  }
}

variable "timeout_sec" {
  description = "Seconds after which Cloud Run ends a request, WebSockets included. For a service that is pushed to no more than the ack deadline of its subscriptions."
  type        = number
  nullable    = false

  validation {
    condition     = var.timeout_sec >= 1 && var.timeout_sec <= 3600 && floor(var.timeout_sec) == var.timeout_sec
    error_message = "timeout_sec is a whole number from 1 to 3600."
  }
}

variable "concurrency" {
  description = "Requests that an instance gets at a time."
  type        = number
  nullable    = false

  validation {
    condition     = var.concurrency >= 1 && var.concurrency <= 1000 && floor(var.concurrency) == var.concurrency
    error_message = "concurrency is a whole number from 1 to 1000."
  }
}

variable "vpc_access" {
  description = "Way into a VPC network: by a connector (its id), or directly (network and subnetwork). Null: none."
  type = object({
    connector  = optional(string)
    network    = optional(string)
    subnetwork = optional(string)
    egress     = optional(string, "PRIVATE_RANGES_ONLY")
  })
  default = null

  validation {
    condition     = var.vpc_access == null || contains(["PRIVATE_RANGES_ONLY", "ALL_TRAFFIC"], try(var.vpc_access.egress, ""))
    error_message = "vpc_access.egress is PRIVATE_RANGES_ONLY or ALL_TRAFFIC."
  }
}

variable "public" {
  description = "True: anybody may call (the service asks for tokens itself). False: `invokers` alone."
  type        = bool
  default     = false
  nullable    = false
}

variable "invokers" {
  description = "Who may call, by a name of your choice: full members, such as serviceAccount:push@a-project.iam.gserviceaccount.com."
  type        = map(string)
  default     = {}
  nullable    = false

  validation {
    condition     = length(setintersection(values(var.invokers), ["allUsers", "allAuthenticatedUsers"])) == 0
    error_message = "Everybody is no invoker: a service is public by public = true, and allAuthenticatedUsers is everybody with a Google account."
  }
}

variable "ingress" {
  description = "From where the service can be reached: INGRESS_TRAFFIC_ALL, INGRESS_TRAFFIC_INTERNAL_LOAD_BALANCER (through a load balancer, and from Pub/Sub and Scheduler of the project) or INGRESS_TRAFFIC_INTERNAL_ONLY."
  type        = string
  default     = "INGRESS_TRAFFIC_ALL"
  nullable    = false

  validation {
    condition     = contains(["INGRESS_TRAFFIC_ALL", "INGRESS_TRAFFIC_INTERNAL_LOAD_BALANCER", "INGRESS_TRAFFIC_INTERNAL_ONLY"], var.ingress)
    error_message = "ingress is INGRESS_TRAFFIC_ALL, INGRESS_TRAFFIC_INTERNAL_LOAD_BALANCER or INGRESS_TRAFFIC_INTERNAL_ONLY."
  }
}

variable "custom_audiences" {
  description = "Audiences beside the service's URL that identity tokens may be for, such as the URL of a domain of your own."
  type        = set(string)
  default     = []
  nullable    = false
}

variable "port" {
  description = "Port that the container listens on; it learns it from PORT."
  type        = number
  default     = 8080
  nullable    = false

  validation {
    condition     = var.port >= 1 && var.port <= 65535
    error_message = "port is from 1 to 65535."
  }
}

variable "deployer_email" {
  description = "Service account that may deploy revisions of this service. Null: nobody gets that right here."
  type        = string
  default     = null
}

variable "gpu" {
  description = "GPU of each instance, of which Cloud Run knows the NVIDIA L4 here. zonal_redundancy costs more and reserves capacity in a second zone. Null: none."
  type = object({
    type             = optional(string, "nvidia-l4")
    zonal_redundancy = optional(bool, false)
  })
  default = null

  validation {
    condition     = var.gpu == null || try(var.gpu.type, "") == "nvidia-l4"
    error_message = "gpu.type is nvidia-l4."
  }

  validation {
    condition     = var.gpu == null || (var.cpu >= 4 && try(local.memory_mib >= 16 * 1024, true))
    error_message = "An L4 wants at least 4 CPUs and 16Gi of memory."
  }

  validation {
    condition     = var.gpu == null || !var.cpu_idle
    error_message = "A GPU wants cpu_idle = false: Cloud Run bills such instances as long as they live, and has nothing else."
  }
}

variable "volumes" {
  description = "Buckets that are mounted as folders, by the volume's name. The service's account must be able to read them before the service exists."
  type = map(object({
    bucket     = string
    mount_path = string
    read_only  = optional(bool, true)
  }))
  default  = {}
  nullable = false

  validation {
    condition     = alltrue([for volume in values(var.volumes) : can(regex("^/[^:]+$", volume.mount_path))])
    error_message = "mount_path is an absolute path without a colon."
  }

  validation {
    condition     = alltrue([for name in keys(var.volumes) : can(regex("^[a-z]([a-z0-9-]{0,61}[a-z0-9])?$", name))])
    error_message = "Names of volumes are small letters, digits and hyphens, with a letter in front."
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
