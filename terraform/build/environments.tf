# What the accounts may do in the environments' projects. Only what can't be granted from there: an environment's Terraform gives the deployer
# its services, but nobody can give Terraform its own first rights.

locals {
  # For everything that modules/turnscribe makes. It makes accounts and runs code as them, so whoever approves an apply can reach all that the
  # environment's services reach.
  terraform_roles = toset([
    "roles/certificatemanager.owner",
    "roles/cloudscheduler.admin",
    "roles/compute.loadBalancerAdmin",
    "roles/compute.networkAdmin",
    "roles/datastore.owner",
    "roles/iam.serviceAccountAdmin",
    "roles/iam.serviceAccountUser",
    "roles/logging.configWriter",
    "roles/monitoring.admin",
    "roles/pubsub.admin",
    "roles/redis.admin",
    "roles/resourcemanager.projectIamAdmin",
    "roles/run.admin",
    "roles/secretmanager.admin",
    "roles/servicenetworking.networksAdmin",
    "roles/serviceusage.serviceUsageAdmin",
    "roles/storage.admin",
    "roles/vpcaccess.admin",
  ])

  # Roles that modules/turnscribe grants on the project. Terraform's account may give and take these and no others, so it can't make itself an
  # owner.
  granted_roles = ["roles/cloudtrace.agent", "roles/datastore.user"]
}

resource "google_project_iam_member" "terraform_makes_the_environment" {
  #checkov:skip=CKV_GCP_41:the environment's services run as accounts that this one makes and names
  #checkov:skip=CKV_GCP_49:likewise
  #checkov:skip=CKV_GCP_46:no default account is among them
  for_each = {
    for pair in setproduct(keys(var.environments), local.terraform_roles) :
    "${pair[0]} ${pair[1]}" => { environment = pair[0], role = pair[1] }
  }

  project = var.environments[each.value.environment].project_id
  role    = each.value.role
  member  = "serviceAccount:${google_service_account.terraform[each.value.environment].email}"

  dynamic "condition" {
    for_each = each.value.role == "roles/resourcemanager.projectIamAdmin" ? [local.granted_roles] : []

    content {
      title      = "grants-of-turnscribe"
      expression = "api.getAttribute('iam.googleapis.com/modifiedGrantsByRole', []).hasOnly([${join(", ", [for role in condition.value : "'${role}'"])}])"
    }
  }
}

# A canary is watched by Cloud Run's own counts.
resource "google_project_iam_member" "deployer_sees_counts" {
  for_each = var.environments

  project = each.value.project_id
  role    = "roles/monitoring.viewer"
  member  = "serviceAccount:${google_service_account.deployer[each.key].email}"
}

resource "google_secret_manager_secret_iam_member" "deployer_reads_its_token" {
  for_each = { for name, environment in var.environments : name => environment if environment.token_secret != "" }

  project   = each.value.project_id
  secret_id = each.value.token_secret
  role      = "roles/secretmanager.secretAccessor"
  member    = "serviceAccount:${google_service_account.deployer[each.key].email}"
}
