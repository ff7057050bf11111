#include <lightdm.h>
