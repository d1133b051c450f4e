# What every installation says of itself. Where things lie: variables_data.tf; services and their settings: variables_services.tf;
# secrets and who may do what: variables_access.tf; what is watched: variables_observability.tf.

variable "project_id" {
  description = "Project that everything belongs to."
  type        = string
  nullable    = false

  validation {
    condition     = can(regex("^[a-z][a-z0-9-]{4,28}[a-z0-9]$", var.project_id))
    error_message = "project_id has 6 to 30 lower-case letters, digits and hyphens; a project of the old kind, with a domain and a colon in its id, will not do."
  }
}

variable "project_number" {
  description = "Number of that project: the services' URLs and Google's own identities are named after it."
  type        = string
  nullable    = false

  validation {
    condition     = can(regex("^[0-9]+$", var.project_number))
    error_message = "project_number is the number of the project, not its id."
  }
}

variable "region" {
  description = "Region of everything that has one, such as europe-west1."
  type        = string
  nullable    = false

  validation {
    condition     = can(regex("^[a-z]+-[a-z]+[0-9]+$", var.region))
    error_message = "region is a region such as europe-west1; no zone, and no multi-region."
  }
}

variable "prefix" {
  description = "What all names begin with, such as dev-; another one for every installation in a project."
  type        = string
  default     = ""
  nullable    = false

  validation {
    condition     = can(regex("^([a-z][a-z0-9-]*-)?$", var.prefix))
    error_message = "prefix is empty, or begins with a lower-case letter and ends with a hyphen: dev-."
  }

  validation {
    condition     = length(var.prefix) <= 9
    error_message = "prefix has at most 9 characters: service accounts' names have at most 30."
  }
}

variable "labels" {
  description = "Labels of everything that can have labels."
  type        = map(string)
  default     = {}
  nullable    = false
}

variable "images" {
  description = "Images of the services' first revisions, by digest; later ones are Cloud Build's business. The api runs the image of transcribe."
  type        = object({ ingest = string, segmenter = string, transcribe = string })
  nullable    = false

  validation {
    condition     = alltrue([for image in values(var.images) : can(regex("@sha256:[0-9a-f]{64}$", image))])
    error_message = "images are named by digest (…@sha256:…): a tag may be another image tomorrow."
  }
}

variable "deployer_email" {
  description = "Service account that may make revisions of the services and move traffic between them: Cloud Build's. Null: nobody but the project's own administrators."
  type        = string
  default     = null

  validation {
    condition     = var.deployer_email == null || can(regex("^[^@:]+@[^@:]+$", var.deployer_email))
    error_message = "deployer_email is a bare e-mail address."
  }
}

variable "deletion_protection" {
  description = "Whether services and database refuse to be deleted by Terraform."
  type        = bool
  default     = true
  nullable    = false
}
