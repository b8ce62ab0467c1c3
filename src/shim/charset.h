/* charset — the conversions of names that libarchive asks the C library for, made ready: at
 * their first use they are loaded from files, which a sealed worker cannot. */
#pragma once

/* They stay loaded as long as the process lives. */
void charset_warm(void);
