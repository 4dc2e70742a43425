/* What old C libraries have outside libc.so itself, by name alone: see meson.build. */
#define STUB(name)                                                                                 \
    void name(void);                                                                               \
    void name(void) {                                                                              \
    }

STUB(dlsym)
STUB(dlerror)
STUB(dladdr1)
STUB(pthread_getcpuclockid)
STUB(pthread_key_create)
STUB(pthread_setspecific)
STUB(pthread_sigmask)
STUB(__pthread_register_cancel)
STUB(__pthread_unregister_cancel)
STUB(__pthread_unwind_next)
