package inbox

// Door lets people in who submit.
type Door interface{}
