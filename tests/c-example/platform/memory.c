/* The functions that GCC and rustc expect of every environment, for targets whose Rust library
 * leaves them to a C library. Built without the optimisation that would make each call itself. */
#include <stddef.h>

void *memcpy(void *restrict to, const void *restrict from, size_t len) {
  unsigned char *t = to;
  const unsigned char *f = from;
  while (len-- > 0)
    *t++ = *f++;
  return to;
}

void *memmove(void *to, const void *from, size_t len) {
  unsigned char *t = to;
  const unsigned char *f = from;
  if (t <= f)
    return memcpy(to, from, len);
  while (len-- > 0)
    t[len] = f[len];
  return to;
}

void *memset(void *to, int byte, size_t len) {
  unsigned char *t = to;
  while (len-- > 0)
    *t++ = (unsigned char)byte;
  return to;
}

int memcmp(const void *left, const void *right, size_t len) {
  const unsigned char *l = left, *r = right;
  for (; len > 0; l++, r++, len--)
    if (*l != *r)
      return *l - *r;
  return 0;
}

int bcmp(const void *left, const void *right, size_t len) { return memcmp(left, right, len); }
