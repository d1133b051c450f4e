output "topics" {
  description = "Id of each topic, by its name in the topology."
  value       = { for name, topic in google_pubsub_topic.this : name => topic.id }
}

output "subscriptions" {
  description = "Id of each push subscription, by its name in the topology."
  value       = { for name, subscription in google_pubsub_subscription.this : name => subscription.id }
}
