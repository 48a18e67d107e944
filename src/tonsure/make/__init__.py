"""What the hair hid, made: layers and colours by the net, detail from the photo's own patches."""
