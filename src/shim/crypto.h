/* crypto — libcrypto (OpenSSL) made ready: at its first use it reads a configuration file,
 * which a sealed worker cannot. */
#pragma once

/* Without the system's configuration: no engine or provider of anyone else comes in. */
void crypto_warm(void);
