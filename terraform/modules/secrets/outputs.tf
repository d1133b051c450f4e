output "secrets" {
  description = "Secrets by name: secret_id (projects/…/secrets/…), and the version that a service refers to: the one that Terraform wrote, else latest. Known once the value is written and its readers may read it."
  value = {
    for name, secret in google_secret_manager_secret.this : name => {
      secret_id = secret.id
      version   = contains(keys(local.written), name) ? google_secret_manager_secret_version.this[name].version : "latest"
    }
  }

  depends_on = [google_secret_manager_secret_iam_member.reads]
}
