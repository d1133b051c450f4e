variable "project_id" {
  description = "Project that builds: images, records, triggers, and the accounts that they run as."
  type        = string
}

variable "region" {
  description = "Region of the repositories, the buckets and the builds; also that of the repository connection."
  type        = string
}

variable "registry_host" {
  description = "Host of the region's Docker repositories: what stands before the first slash in `gcloud artifacts repositories describe NAME --location=REGION --format='value(registryUri)'` of any of them."
  type        = string

  validation {
    condition     = can(regex("^[a-z0-9][a-z0-9.-]*[a-z0-9]$", var.registry_host))
    error_message = "registry_host is a host alone, without scheme and path."
  }
}

variable "labels" {
  description = "Labels of everything that can have labels."
  type        = map(string)
  default     = {}
}

variable "repository" {
  description = "The source repository as Cloud Build knows it: projects/…/locations/REGION/connections/…/repositories/…. Connected by hand, because a person at its host must consent."
  type        = string

  validation {
    condition     = can(regex("^projects/[^/]+/locations/[^/]+/connections/[^/]+/repositories/[^/]+$", var.repository))
    error_message = "repository is the full name of a repository of Cloud Build's 2nd generation: projects/…/locations/…/connections/…/repositories/…."
  }
}

variable "repository_type" {
  description = "Who hosts it, in Cloud Build's words: GITHUB, BITBUCKET_SERVER, or UNKNOWN for any other."
  type        = string
  default     = "GITHUB"

  validation {
    condition     = contains(["GITHUB", "BITBUCKET_SERVER", "UNKNOWN"], var.repository_type)
    error_message = "repository_type is GITHUB, BITBUCKET_SERVER or UNKNOWN."
  }
}

variable "branch" {
  description = "Branch that is built and deployed."
  type        = string
  default     = "main"
  nullable    = false

  validation {
    condition     = can(regex("^[A-Za-z0-9][A-Za-z0-9._/-]*$", var.branch))
    error_message = "branch is a branch's name, not a pattern."
  }
}

variable "source_url" {
  description = "Where people read the code; stands in the images' labels."
  type        = string
  default     = ""
  nullable    = false
}

variable "python_image" {
  description = "Base of the images. Each build looks its digest up once. A mirror of one's own avoids a public registry's limits."
  type        = string
  default     = "python:3.12-slim"
  nullable    = false
}

variable "buildkit_image" {
  description = "BuildKit that builds them; likewise."
  type        = string
  default     = "moby/buildkit:v0.23.2"
  nullable    = false
}

variable "whisper" {
  description = "Whether the image of the Whisper service is built too."
  type        = bool
  default     = false
  nullable    = false
}

variable "keep_releases" {
  description = "Images of so many of the newest commits are kept whatever their age."
  type        = number
  default     = 50
  nullable    = false

  validation {
    condition     = var.keep_releases >= 5 && floor(var.keep_releases) == var.keep_releases
    error_message = "keep_releases is a whole number of at least 5: what an environment runs must be among them."
  }
}

variable "keep_days" {
  description = "Older images than this are deleted, unless they are among keep_releases."
  type        = number
  default     = 180
  nullable    = false

  validation {
    condition     = var.keep_days >= 30 && floor(var.keep_days) == var.keep_days
    error_message = "keep_days is a whole number of at least 30."
  }
}

variable "vulnerability_scanning" {
  description = "Whether images are scanned when they are pushed; Google charges for each."
  type        = bool
  default     = true
  nullable    = false
}

variable "environments" {
  description = <<-EOT
    The environments, by the name of their folder in terraform/environments:
    project_id, project_number, region and prefix of its services;
    state_bucket: bucket of its Terraform state;
    variables: its terraform.tfvars as an object of a bucket (null: NAME.tfvars in state_bucket);
    automatic: each commit of the branch is deployed once it is built;
    approval: somebody must approve each deployment (applying Terraform always needs it);
    canary_percent and canary_minutes: traffic of a canary, and how long it is watched (0: no canary);
    max_error_percent: by so many percentage points a canary may have more 5xx than the revision beside it;
    token_secret: secret there with a token that may upload and read, which a deployment ends by using (empty: nothing is transcribed).
  EOT
  type = map(object({
    project_id        = string
    project_number    = string
    region            = string
    prefix            = optional(string, "")
    state_bucket      = string
    variables         = optional(string)
    automatic         = optional(bool, false)
    approval          = optional(bool, true)
    canary_percent    = optional(number, 10)
    canary_minutes    = optional(number, 10)
    max_error_percent = optional(number, 5)
    token_secret      = optional(string, "")
  }))
  nullable = false

  validation {
    condition     = alltrue([for name in keys(var.environments) : can(regex("^[a-z][a-z0-9-]{0,10}[a-z0-9]$", name))])
    error_message = "an environment's name is 2 to 12 of a-z, 0-9 and -, begins with a letter and does not end with -: accounts are named after it."
  }

  validation {
    condition     = alltrue([for environment in values(var.environments) : can(regex("^[0-9]+$", environment.project_number))])
    error_message = "project_number is the number of the project, not its id."
  }

  validation {
    condition     = alltrue([for environment in values(var.environments) : can(regex("^([a-z][a-z0-9-]*-)?$", environment.prefix))])
    error_message = "prefix is empty, or begins with a letter, goes on with a-z, 0-9 and -, and ends with -."
  }

  validation {
    condition     = alltrue([for environment in values(var.environments) : environment.variables == null || can(regex("^gs://[^/]+/.+$", environment.variables))])
    error_message = "variables is an object: gs://bucket/object."
  }

  validation {
    condition = alltrue([
      for environment in values(var.environments) :
      environment.canary_percent >= 0 && environment.canary_percent < 100 && floor(environment.canary_percent) == environment.canary_percent &&
      environment.canary_minutes >= 0 && environment.canary_minutes <= 30 && environment.max_error_percent >= 0
    ])
    error_message = "canary_percent is a whole number from 0 to 99, canary_minutes from 0 to 30, max_error_percent 0 or more."
  }
}
