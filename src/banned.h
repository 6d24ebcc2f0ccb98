/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Calls that have no place in a program that runs as root on other people's trees: they have no
 * bounds, ask a shell, or open paths past the host's root fd. Included by util.h, thus by every
 * file of ours.
 */
#ifndef BULKHEAD_BANNED_H
#define BULKHEAD_BANNED_H

#define BANNED(func) use_of_##func##_is_banned

#undef strcpy
#define strcpy(x, y) BANNED(strcpy)
#undef strcat
#define strcat(x, y) BANNED(strcat)
#undef strncpy
#define strncpy(x, y, n) BANNED(strncpy)
#undef strncat
#define strncat(x, y, n) BANNED(strncat)
#undef sprintf
#define sprintf(...) BANNED(sprintf)
#undef vsprintf
#define vsprintf(...) BANNED(vsprintf)
#undef strtok
#define strtok(x, y) BANNED(strtok)
#undef system
#define system(x) BANNED(system)
#undef popen
#define popen(x, y) BANNED(popen)
#undef atoi
#define atoi(x) BANNED(atoi)
#undef mktemp
#define mktemp(x) BANNED(mktemp)
#undef getpwnam
#define getpwnam(x) BANNED(getpwnam)
#undef getgrnam
#define getgrnam(x) BANNED(getgrnam)
#undef lckpwdf
#define lckpwdf() BANNED(lckpwdf)

#endif
