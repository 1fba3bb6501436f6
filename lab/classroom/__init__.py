"""The classroom: eight exercises that differ for each student, signed reports, and a server for a class.

task.py            what an exercise is, and what an answer to it is
draws.py           what differs for each student, derived from a seed
deliveries.py      real endpoints to which an answer is delivered
loading.py         answers that are programs, as modules
separate_run.py    answers that are programs, judged in another process
exercise_book.py   the eight exercises by their numbers, and their worksheets
exercises/         one file for each
signed_report.py   a student's answers, signed with the student's key
roster.py          the students of a class, and whose key is whose
small_files.py     files from students
grading.py         reports, checked again and put into a table
class_feature.py   the commands and the state of a class that is going on
progress_page.py   the page that shows this state
handout.py         the worksheets as a page to print

The worksheets are pages of the docs (docs/lab); `worksheets/` links to them, so that they are part of the package.
"""
