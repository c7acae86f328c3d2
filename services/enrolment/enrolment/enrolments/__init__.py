"""Children's right to attend an activity in a school year: enrolled, their usual weeks, withdrawn, rolled over."""
