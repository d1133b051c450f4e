variable "project_id" {
  description = "Project that the database belongs to."
  type        = string
  nullable    = false
}

variable "location" {
  description = "Region of the database, that of the services, or a multi-region (eur3, nam5). It cannot be changed."
  type        = string
  nullable    = false
}

variable "name" {
  description = "Name of the database; the services know it as FIRESTORE_DATABASE. Each environment in a project needs one of its own."
  type        = string
  default     = "(default)"
  nullable    = false

  validation {
    condition     = var.name == "(default)" || can(regex("^[a-z][a-z0-9-]{2,61}[a-z0-9]$", var.name))
    error_message = "name is (default), or has 4 to 63 lower-case letters, digits and hyphens, and begins with a letter."
  }
}

variable "delete_protection" {
  description = "Refuse to delete the database, to Terraform and to everybody, until this is false."
  type        = bool
  default     = true
  nullable    = false
}

variable "point_in_time_recovery" {
  description = "Keep every document as it was at each minute of the last 7 days. Against mistakes; what was deleted can be read for so long. False: for one hour, which cannot be switched off."
  type        = bool
  default     = false
  nullable    = false
}

variable "kms_key_name" {
  description = "Key of Cloud KMS with which the database is encrypted, projects/…/cryptoKeys/…, in its location; null: Google's own. Firestore's service agent needs roles/cloudkms.cryptoKeyEncrypterDecrypter on it first. It cannot be changed."
  type        = string
  default     = null
}
