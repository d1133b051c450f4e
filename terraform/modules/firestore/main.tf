# The database of transcripts, streams, meetings, tokens, webhooks and deliveries, and its indexes. Which indexes there are stands in
# common/firestore_indexes.json, beside the code whose queries need them.

locals {
  indexes = jsondecode(file("${path.module}/../../../common/firestore_indexes.json"))

  unindexed = merge([
    for collection, fields in local.indexes.unindexed_fields : {
      for field in fields : "${collection}.${field}" => { collection = collection, field = field }
    }
  ]...)

  # Not indexed either: times that grow with the writes would all meet at one end of an index.
  expiring = {
    for collection, field in try(local.indexes.ttl_fields, {}) : "${collection}.${field}" => { collection = collection, field = field }
  }

  composite = {
    for index in local.indexes.composite_indexes :
    join(".", concat([index.collection], [for field in index.fields : field.field_path])) => index
  }
}

resource "google_firestore_database" "this" {
  project                           = var.project_id
  name                              = var.name
  location_id                       = var.location
  type                              = "FIRESTORE_NATIVE"
  app_engine_integration_mode       = "DISABLED"
  point_in_time_recovery_enablement = var.point_in_time_recovery ? "POINT_IN_TIME_RECOVERY_ENABLED" : "POINT_IN_TIME_RECOVERY_DISABLED"
  delete_protection_state           = var.delete_protection ? "DELETE_PROTECTION_ENABLED" : "DELETE_PROTECTION_DISABLED"

  # Else terraform destroy would leave the database where it is and say that it is gone. What is protected is refused.
  deletion_policy = "DELETE"

  dynamic "cmek_config" {
    for_each = var.kms_key_name == null ? [] : [var.kms_key_name]

    content {
      kms_key_name = cmek_config.value
    }
  }
}

resource "google_firestore_index" "this" {
  for_each = local.composite

  project     = var.project_id
  database    = google_firestore_database.this.name
  collection  = each.value.collection
  query_scope = each.value.query_scope

  dynamic "fields" {
    for_each = each.value.fields

    content {
      field_path   = fields.value.field_path
      order        = try(fields.value.order, null)
      array_config = try(fields.value.array_config, null)
    }
  }
}

resource "google_firestore_field" "this" {
  for_each = merge(local.unindexed, local.expiring)

  project    = var.project_id
  database   = google_firestore_database.this.name
  collection = each.value.collection
  field      = each.value.field

  # Empty: none of the indexes that Firestore makes of every field by itself.
  index_config {}

  dynamic "ttl_config" {
    for_each = contains(keys(local.expiring), each.key) ? ["on"] : []

    content {}
  }
}
