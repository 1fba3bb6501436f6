"""The eight exercises of the lab book, one file each: what is made for a student, and how an answer is judged."""
