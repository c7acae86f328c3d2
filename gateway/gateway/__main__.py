import uvicorn
from chassis import logs
from chassis.settings import read

from gateway.main import configuration
from gateway.settings import Settings

if __name__ == "__main__":
    logs.configure("gateway")
    uvicorn.Server(configuration(read(Settings))).run()
