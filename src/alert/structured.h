/* structured — numbers of payment cards and of American social insurances in a text, counted as
 * clamscan 1.4 counts them: 8,191 bytes at a time, each such part for itself. */
#pragma once
#include "alert/alert.h"

/* ALERT_CARDS and ALERT_INSURANCES, where the text has as many as the options say. */
uint64_t structured_check(const struct alert_options *options, bytes text,
                          struct budget *budget);
