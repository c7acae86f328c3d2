"""The town's calendar, and until when each day of each activity may be booked and given up."""
