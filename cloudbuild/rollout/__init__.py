"""Brings the images of one commit to an environment's Cloud Run services, and back if they are not well.

Run by cloudbuild/deploy.yaml as `python3 -m cloudbuild.rollout`, from the project's folder. Standard library and gcloud only, because it
runs in the Cloud SDK's image. What it knows between two steps stands on the services themselves, as traffic tags (see traffic.py), so a
rollout that died can be started again or taken back.
"""
