mock_provider "google" {}

variables {
  project_id = "a-project"
  location   = "europe-west1"
}

run "every_index_of_the_file_is_made" {
  command = plan

  assert {
    condition     = length(google_firestore_index.this) == length(local.indexes.composite_indexes)
    error_message = "a composite index is missing, or two have one name"
  }

  assert {
    condition = alltrue([
      for key, wanted in local.composite :
      google_firestore_index.this[key].collection == wanted.collection &&
      google_firestore_index.this[key].query_scope == wanted.query_scope &&
      google_firestore_index.this[key].database == "(default)" &&
      [for field in google_firestore_index.this[key].fields : field.field_path] == [for field in wanted.fields : field.field_path] &&
      [for field in google_firestore_index.this[key].fields : try(coalesce(field.order), "")] == [for field in wanted.fields : try(field.order, "")] &&
      [for field in google_firestore_index.this[key].fields : try(coalesce(field.array_config), "")] == [for field in wanted.fields : try(field.array_config, "")]
    ])
    error_message = "an index is not the one in the file"
  }
}

run "a_search_of_all_transcripts_has_its_index" {
  command = plan

  assert {
    condition = (
      google_firestore_index.this["segments.terms.start_epoch_ms"].query_scope == "COLLECTION_GROUP" &&
      google_firestore_index.this["segments.terms.start_epoch_ms"].fields[0].array_config == "CONTAINS" &&
      google_firestore_index.this["segments.terms.start_epoch_ms"].fields[1].order == "DESCENDING"
    )
    error_message = "a search would be refused: FAILED_PRECONDITION, the query requires an index"
  }
}

run "text_and_words_are_not_indexed" {
  command = plan

  assert {
    condition = alltrue(flatten([
      for collection, fields in local.indexes.unindexed_fields : [
        for field in fields :
        google_firestore_field.this["${collection}.${field}"].collection == collection &&
        google_firestore_field.this["${collection}.${field}"].field == field
      ]
    ]))
    error_message = "a field that no query asks for would be indexed"
  }

  assert {
    condition     = google_firestore_field.this["segments.segment"].field == "segment" && google_firestore_field.this["segments.terms"].field == "terms"
    error_message = "every word of every transcript would be indexed, and text longer than 1,500 bytes with it"
  }

  assert {
    condition = alltrue([
      for field in google_firestore_field.this : length(field.index_config) == 1 && length(field.index_config[0].indexes) == 0
    ])
    error_message = "an exemption that names indexes is none"
  }
}

run "only_what_the_file_says_expires" {
  command = plan

  assert {
    condition = (
      toset([for key, field in google_firestore_field.this : key if length(field.ttl_config) == 1]) ==
      toset([for collection, field in try(local.indexes.ttl_fields, {}) : "${collection}.${field}"])
    )
    error_message = "documents would be deleted that nobody said expire, or stay that do"
  }

  assert {
    condition     = !anytrue([for field in google_firestore_field.this : length(field.ttl_config) > 0 && contains(["segments", "meetings", "streams", "tokens"], field.collection)])
    error_message = "transcripts and tokens are deleted by the services, which know who wants them gone"
  }
}

run "every_field_belongs_to_the_database_that_is_made" {
  command = plan

  variables {
    name = "dev-turnscribe"
  }

  assert {
    condition = alltrue(concat(
      [for field in google_firestore_field.this : field.database == "dev-turnscribe"],
      [for index in google_firestore_index.this : index.database == "dev-turnscribe"],
    ))
    error_message = "indexes would be made in another environment's database"
  }

  assert {
    condition     = output.name == "dev-turnscribe" && output.id == "projects/a-project/databases/dev-turnscribe"
    error_message = "services would ask another database"
  }
}

run "the_database_is_native_and_not_deleted_by_accident" {
  command = plan

  assert {
    condition     = google_firestore_database.this.type == "FIRESTORE_NATIVE" && google_firestore_database.this.location_id == "europe-west1"
    error_message = "the services speak with a database in native mode, in their region"
  }

  assert {
    condition     = google_firestore_database.this.delete_protection_state == "DELETE_PROTECTION_ENABLED"
    error_message = "one command could delete all transcripts"
  }

  assert {
    condition     = google_firestore_database.this.deletion_policy == "DELETE"
    error_message = "terraform destroy would say that a database is gone which is there"
  }
}

run "a_deleted_meeting_cannot_be_read_for_a_week_unless_that_is_wanted" {
  command = plan

  assert {
    condition     = google_firestore_database.this.point_in_time_recovery_enablement == "POINT_IN_TIME_RECOVERY_DISABLED"
    error_message = "what was erased could be read as it was, for 7 days"
  }
}

run "recovery_a_key_and_no_protection_where_they_are_asked_for" {
  command = plan

  variables {
    delete_protection      = false
    point_in_time_recovery = true
    kms_key_name           = "projects/a-project/locations/europe-west1/keyRings/ring/cryptoKeys/transcripts"
  }

  assert {
    condition = (
      google_firestore_database.this.delete_protection_state == "DELETE_PROTECTION_DISABLED" &&
      google_firestore_database.this.point_in_time_recovery_enablement == "POINT_IN_TIME_RECOVERY_ENABLED" &&
      google_firestore_database.this.cmek_config[0].kms_key_name == var.kms_key_name
    )
    error_message = "the database is not as it was asked for"
  }
}

run "a_short_name_is_refused" {
  command = plan

  variables {
    name = "dev"
  }

  expect_failures = [var.name]
}
