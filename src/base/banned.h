/* banned — calls that this project does not make, refused by the compiler.
 *
 * Included before every file (see meson.build). Using one is an error that names the way to do
 * it here. Only gcc: clang refuses an attribute on what glibc defines inline, and every test
 * run builds with gcc. What the engine may call besides is checked on its archive:
 * tests/tidy/pure. */
#pragma once
#ifndef __clang__
#include <alloca.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define BANNED(instead) __attribute__((deprecated("banned here: " instead)))

/* No idea of how much room there is. */
char *strcpy(char *, const char *) BANNED("memcpy with a checked length");
char *stpcpy(char *, const char *) BANNED("memcpy with a checked length");
char *strcat(char *, const char *) BANNED("snprintf");
char *strncpy(char *, const char *, size_t) BANNED("memcpy with a checked length, or snprintf");
char *strncat(char *, const char *, size_t) BANNED("snprintf");
int sprintf(char *, const char *, ...) BANNED("snprintf");
int vsprintf(char *, const char *, va_list) BANNED("vsnprintf");
void *alloca(size_t) BANNED("the arena");

/* No idea of what went wrong. */
int atoi(const char *) BANNED("strtol, with its end checked");
long atol(const char *) BANNED("strtol, with its end checked");
long long atoll(const char *) BANNED("strtoll, with its end checked");
double atof(const char *) BANNED("strtod, with its end checked");

/* State that threads share. */
char *strtok(char *, const char *) BANNED("bytes_cut");
char *ctime(const time_t *) BANNED("strftime on localtime_r");
char *asctime(const struct tm *) BANNED("strftime");
struct tm *localtime(const time_t *) BANNED("localtime_r");
struct tm *gmtime(const time_t *) BANNED("gmtime_r");
int rand(void) BANNED("getrandom, or an own generator where it must repeat");
void srand(unsigned int) BANNED("getrandom, or an own generator where it must repeat");
long random(void) BANNED("getrandom, or an own generator where it must repeat");

/* A shell reads what we were given. */
int system(const char *) BANNED("posix_spawn with an argument list");
FILE *popen(const char *, const char *) BANNED("posix_spawn with an argument list");

/* A name that someone else can take first. */
char *mktemp(char *) BANNED("mkstemp");
char *tempnam(const char *, const char *) BANNED("mkstemp");
#endif
