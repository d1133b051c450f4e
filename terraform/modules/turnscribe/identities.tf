# Who the services are. Each has an account of its own, without keys, that may do what iam.tf says and nothing else.

locals {
  identities = merge(
    {
      ingest     = "takes audio in"
      segmenter  = "cuts audio into segments"
      transcribe = "has segments transcribed and delivers what was said"
      api        = "answers those who read"
      push       = "signs what Pub/Sub and Cloud Scheduler send to the services"
    },
    local.makes_whisper ? { whisper = "recognises speech" } : {},
  )

  # The e-mail follows from the name, and is known before the account is made.
  emails  = { for name, account in google_service_account.this : name => "${account.account_id}@${var.project_id}.iam.gserviceaccount.com" }
  members = { for name, email in local.emails : name => "serviceAccount:${email}" }
}

resource "google_service_account" "this" {
  for_each   = local.identities
  depends_on = [google_project_service.this]

  project      = var.project_id
  account_id   = "${var.prefix}turnscribe-${each.key}"
  display_name = "turnscribe ${var.prefix}${each.key}"
  description  = "turnscribe ${each.key}: ${each.value}."
}
