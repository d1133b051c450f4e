# What becomes of objects by their age alone. Meetings are not among it: how long they are kept, RETENTION_DAYS and each tenant say, and
# the services delete audio and transcript together. Paths that may be emptied are named here one by one and can be no others.

locals {
  # Classes from which an object may go to this one: they cost more to keep. It never comes back by age.
  dearer_to_keep = {
    NEARLINE = ["STANDARD"]
    COLDLINE = ["STANDARD", "NEARLINE"]
    ARCHIVE  = ["STANDARD", "NEARLINE", "COLDLINE"]
  }

  transitions = merge(
    { for class, days in var.raw_audio_classes : "raw-${class}" => { class = class, days = days, path = "${var.raw_path}/" } },
    { for class, days in var.segment_classes : "segments-${class}" => { class = class, days = days, path = "${var.segments_path}/" } },
  )

  emptied_paths = {
    dropbox           = "${var.dropbox_path}/"
    dead_letters      = "${var.raw_path}/dead-letters/"
    unreadable_pushes = "${var.raw_path}/quarantine/"
  }

  deletions = {
    for what, path in local.emptied_paths : what => { path = path, days = var.delete_after_days[what] }
    if var.delete_after_days[what] != null
  }
}
