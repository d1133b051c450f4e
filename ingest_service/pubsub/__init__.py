"""What upstream systems push: messages of the topic audio-uploads, and notifications of the drop box."""
