# escape=`
FROM mcr.microsoft.com/windows/servercore:ltsc2022
SHELL ["powershell", "-Command"]
RUN Invoke-WebRequest -Uri https://www.python.org/ftp/python/3.11.9/python-3.11.9-amd64.exe -OutFile C:\python.exe ; `
    Start-Process C:\python.exe -ArgumentList '/quiet' -Wait
COPY app C:\app
WORKDIR C:\app
CMD ["python", "main.py"]
