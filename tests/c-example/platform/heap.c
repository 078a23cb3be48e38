/* What only a library that allocates asks for: linked with the one that the inspection has to find. */
#include "platform.h"

_Noreturn void tranche_heap_reached(void);
void tranche_heap_reached(void) { platform_exit(4); }
