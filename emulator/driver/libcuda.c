/* A stand-in for libcuda.so.1: Python gives it the address of each entry point. */

typedef void *(*find_t)(const char *name);
static find_t find;

void emulator_set_find(find_t function) { find = function; }

int cuGetProcAddress_v2(const char *name, void **function, int version, unsigned long long flags, int *status)
{
    (void)version;
    (void)flags;
    *function = find ? find(name) : 0;
    if (status)
        *status = *function ? 0 : 1;
    return *function ? 0 : 500;
}

int cuGetProcAddress(const char *name, void **function, int version, unsigned long long flags)
{
    return cuGetProcAddress_v2(name, function, version, flags, 0);
}

/* These two are looked up by name. */
int cuDriverGetVersion(int *version)
{
    int (*call)(int *) = find ? (int (*)(int *))find("cuDriverGetVersion") : 0;
    return call ? call(version) : 3;
}

int cuInit(unsigned flags)
{
    (void)flags;
    return find ? 0 : 3;
}
