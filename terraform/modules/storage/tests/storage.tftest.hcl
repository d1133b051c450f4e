mock_provider "google" {}

variables {
  project_id = "a-project"
  name       = "a-project-dev-audio"
  location   = "europe-west1"
  labels     = { environment = "dev" }
}

run "what_is_deleted_is_gone_at_once" {
  command = plan

  assert {
    condition     = google_storage_bucket.this.soft_delete_policy[0].retention_duration_seconds == 0
    error_message = "Cloud Storage's default would keep the audio of a deleted meeting for a week"
  }

  assert {
    condition     = google_storage_bucket.this.versioning[0].enabled == false
    error_message = "versions would keep what was deleted"
  }

  assert {
    condition     = length(google_storage_bucket.this.retention_policy) == 0 && google_storage_bucket.this.default_event_based_hold != true
    error_message = "a meeting could not be deleted when its tenant wants it"
  }
}

run "nobody_can_make_audio_public" {
  command = plan

  assert {
    condition = (
      google_storage_bucket.this.uniform_bucket_level_access &&
      google_storage_bucket.this.public_access_prevention == "enforced"
    )
    error_message = "one object's access list, or one grant, could show audio to everybody"
  }
}

run "the_bucket_is_not_destroyed_with_what_is_in_it" {
  command = plan

  assert {
    condition     = google_storage_bucket.this.force_destroy == false
    error_message = "terraform destroy would delete all recordings"
  }

  assert {
    condition     = output.name == "a-project-dev-audio" && output.url == "gs://a-project-dev-audio" && output.dropbox_url == "gs://a-project-dev-audio/dropbox/"
    error_message = "the bucket is called something else"
  }

  assert {
    condition     = google_storage_bucket.this.labels["environment"] == "dev"
    error_message = "the bucket's cost could not be told from others'"
  }
}

run "nothing_is_deleted_by_age_unless_it_is_asked_for" {
  command = plan

  assert {
    condition     = [for rule in google_storage_bucket.this.lifecycle_rule : one(rule.action).type] == ["AbortIncompleteMultipartUpload"]
    error_message = "objects would be deleted, or become dear to read, that nobody spoke of"
  }
}

run "only_paths_that_hold_no_meeting_can_be_emptied" {
  command = plan

  variables {
    raw_path          = "in/raw"
    dropbox_path      = "in/dropbox"
    delete_after_days = { dropbox = 30, dead_letters = 90, unreadable_pushes = 60 }
  }

  assert {
    condition = {
      for rule in google_storage_bucket.this.lifecycle_rule : one(one(rule.condition).matches_prefix) => one(rule.condition).age
      if one(rule.action).type == "Delete"
      } == {
      "in/dropbox/"          = 30
      "in/raw/dead-letters/" = 90
      "in/raw/quarantine/"   = 60
    }
    error_message = "something else is deleted by age than files dropped, dead letters and unreadable pushes: below raw and segments lies what meetings are rebuilt from, and what waits for a sweep"
  }
}

run "what_is_not_named_stays" {
  command = plan

  variables {
    delete_after_days = { dropbox = 14 }
  }

  assert {
    condition = [
      for rule in google_storage_bucket.this.lifecycle_rule : one(rule.condition).matches_prefix if one(rule.action).type == "Delete"
    ] == [tolist(["dropbox/"])]
    error_message = "dead letters would go although only the drop box was to be emptied"
  }
}

run "old_audio_moves_to_cheaper_classes_each_path_by_its_own_age" {
  command = plan

  variables {
    raw_audio_classes = { NEARLINE = 30, ARCHIVE = 365 }
    segment_classes   = { COLDLINE = 90 }
  }

  assert {
    condition = {
      for rule in google_storage_bucket.this.lifecycle_rule :
      "${one(one(rule.condition).matches_prefix)} ${one(rule.action).storage_class}" => one(rule.condition).age
      if one(rule.action).type == "SetStorageClass"
      } == {
      "raw/ NEARLINE"      = 30
      "raw/ ARCHIVE"       = 365
      "segments/ COLDLINE" = 90
    }
    error_message = "audio moves at another age, or something else moves"
  }

  assert {
    condition = alltrue([
      for rule in google_storage_bucket.this.lifecycle_rule :
      !contains(one(rule.condition).matches_storage_class, one(rule.action).storage_class)
      if one(rule.action).type == "SetStorageClass"
    ])
    error_message = "an object would be moved to where it is"
  }
}

run "a_key_and_a_log_bucket_are_used_where_they_are_given" {
  command = plan

  variables {
    kms_key_name      = "projects/a-project/locations/europe-west1/keyRings/ring/cryptoKeys/audio"
    access_log_bucket = "a-project-logs"
    soft_delete_days  = 7
  }

  assert {
    condition     = google_storage_bucket.this.encryption[0].default_kms_key_name == var.kms_key_name
    error_message = "objects would be encrypted with another key"
  }

  assert {
    condition     = google_storage_bucket.this.logging[0].log_bucket == "a-project-logs" && google_storage_bucket.this.logging[0].log_object_prefix == "a-project-dev-audio"
    error_message = "usage logs would go elsewhere"
  }

  assert {
    condition     = google_storage_bucket.this.soft_delete_policy[0].retention_duration_seconds == 604800
    error_message = "what was deleted by mistake could not be brought back for as long as was asked for"
  }
}

run "without_them_there_is_neither" {
  command = plan

  assert {
    condition     = length(google_storage_bucket.this.encryption) == 0 && length(google_storage_bucket.this.logging) == 0
    error_message = "the bucket would name a key or a log bucket that there is none of"
  }
}

run "a_file_is_not_deleted_while_a_message_about_it_may_come" {
  command = plan

  variables {
    delete_after_days = { dropbox = 7 }
  }

  expect_failures = [var.delete_after_days]
}

run "what_cloud_storage_would_refuse_is_refused_here" {
  command = plan

  variables {
    name              = "Audio"
    soft_delete_days  = 3
    raw_audio_classes = { GLACIER = 30 }
    segment_classes   = { NEARLINE = 0 }
    raw_path          = "/raw"
  }

  expect_failures = [
    var.name,
    var.soft_delete_days,
    var.raw_audio_classes,
    var.segment_classes,
    var.raw_path,
  ]
}

run "paths_within_each_other_are_refused" {
  command = plan

  variables {
    raw_path     = "audio"
    dropbox_path = "audio/in"
  }

  expect_failures = [var.dropbox_path]
}

run "segments_among_raw_audio_are_refused" {
  command = plan

  variables {
    segments_path = "raw"
  }

  expect_failures = [var.segments_path]
}
