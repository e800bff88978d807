"""Model files of people who mean no harm, made by the libraries themselves, in every form in which they are kept."""
