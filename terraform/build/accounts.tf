# Whom builds run as. Nobody may do more than its own kind of build needs, and an environment's accounts reach that environment alone.

resource "google_service_account" "checks" {
  project      = var.project_id
  account_id   = "turnscribe-checks"
  display_name = "turnscribe: checks of pull requests"
  description  = "Runs code that nobody has approved, and may write logs."
}

resource "google_service_account" "builder" {
  project      = var.project_id
  account_id   = "turnscribe-builder"
  display_name = "turnscribe: builds images"
}

resource "google_service_account" "deployer" {
  for_each = var.environments

  project      = var.project_id
  account_id   = "turnscribe-deploy-${each.key}"
  display_name = "turnscribe: deploys to ${each.key}"
  description  = "What it may do there is granted there, by deployer_email."
}

resource "google_service_account" "terraform" {
  for_each = var.environments

  project      = var.project_id
  account_id   = "turnscribe-tf-${each.key}"
  display_name = "turnscribe: plans and applies ${each.key}"
}

locals {
  accounts = merge(
    { checks = google_service_account.checks.email, builder = google_service_account.builder.email },
    { for name, account in google_service_account.deployer : "deployer-${name}" => account.email },
    { for name, account in google_service_account.terraform : "terraform-${name}" => account.email },
  )
}
