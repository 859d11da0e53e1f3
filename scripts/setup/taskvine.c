/* What TaskVine's archives ask of a C library of 2023 or later, for those that are older: the same by its older name. */
#include <features.h>
#if !__GLIBC_PREREQ(2, 38)
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

int __isoc23_sscanf(const char *text, const char *format, ...)
{
	va_list rest;
	va_start(rest, format);
	int count = vsscanf(text, format, rest);
	va_end(rest);
	return count;
}

int __isoc23_fscanf(FILE *file, const char *format, ...)
{
	va_list rest;
	va_start(rest, format);
	int count = vfscanf(file, format, rest);
	va_end(rest);
	return count;
}

long long __isoc23_strtoll(const char *text, char **end, int base) { return strtoll(text, end, base); }
long __isoc23_strtol(const char *text, char **end, int base) { return strtol(text, end, base); }
unsigned long __isoc23_strtoul(const char *text, char **end, int base) { return strtoul(text, end, base); }
unsigned long long __isoc23_strtoull(const char *text, char **end, int base) { return strtoull(text, end, base); }
#endif
