output "topics" {
  description = "Id of each topic, by its name in the topology."
  value       = { for name, topic in google_pubsub_topic.this : name => topic.id }
}

output "subscriptions" {
  description = "Id of each push subscription, by its name in the topology."
  value       = { for name, subscription in google_pubsub_subscription.this : name => subscription.id }
}

output "subscription_names" {
  description = "Name of each push subscription as it is called in the project, by its name in the topology."
  value       = { for name, subscription in google_pubsub_subscription.this : name => subscription.name }
}

output "topic_names" {
  description = "Name of each topic as it is called in the project, by its name in the topology."
  value       = { for name, topic in google_pubsub_topic.this : name => topic.name }
}

output "push_deadlines_sec" {
  description = "By service: the longest that a push or a sweep may take. Its Cloud Run timeout must not be longer."
  value       = local.push_deadlines_sec
}
